{{/* Names. A release is a node, so its name is the prefix of everything. */}}
{{- define "yiwang.fullname" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "yiwang.nats.name" -}}
{{- .Values.nats.name | default (printf "n%s" .Values.node.code | lower) -}}
{{- end -}}

{{- define "yiwang.entry.name" -}}
{{- printf "%s-%s" (include "yiwang.fullname" .root) (.name | replace "_" "-") -}}
{{- end -}}

{{- define "yiwang.image" -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}

{{/* Labels: what a selector uses never changes. */}}
{{- define "yiwang.selector" -}}
app.kubernetes.io/name: yiwang
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
yiwang/role: {{ .role }}
{{- end -}}

{{/* All pods of the release in one role: service, nats, migrate, backup or test. */}}
{{- define "yiwang.role" -}}
matchLabels:
  app.kubernetes.io/instance: {{ .root.Release.Name }}
  yiwang/role: {{ .role }}
{{- end -}}

{{- define "yiwang.labels" -}}
{{ include "yiwang.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: yiwang
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
yiwang/node: {{ .root.Values.node.code | quote }}
yiwang/tier: {{ .root.Values.node.tier }}
{{- end -}}

{{/* What the Ingress sends to each service unless its entry says otherwise. */}}
{{- define "yiwang.paths" -}}
{"intake": ["/reports"], "grid": ["/grid"], "dispatch": ["/", "/cases", "/worklist"], "notification": ["/notices"], "national_sync": ["/sync"], "enforcement": ["/enforcement"], "evaluation": ["/evaluation"], "identity": ["/identity"], "mesh": ["/mesh"]}
{{- end -}}

{{/* The entries of `services` that are there, each complete: {name, run, replicas, groups, ...}, as JSON. */}}
{{- define "yiwang.entries" -}}
{{- $entries := dict -}}
{{- range $name, $given := .Values.services -}}
{{- $entry := $given | default dict -}}
{{- if ne (toString $entry.enabled) "false" -}}
{{- $whole := mergeOverwrite (deepCopy $.Values.defaults) (deepCopy $entry) (dict "name" $name "run" ($entry.run | default (list $name))) -}}
{{- if not (hasKey $whole "paths") -}}
{{- $paths := list -}}
{{- range $service := $whole.run }}{{ $paths = concat $paths (get (include "yiwang.paths" $ | fromJson) $service | default list) }}{{ end -}}
{{- $_ := set $whole "paths" $paths -}}
{{- end -}}
{{- if not (hasKey $whole "replicas") }}{{ $_ := set $whole "replicas" 1 }}{{ end -}}
{{- $_ := set $entries $name $whole -}}
{{- end -}}
{{- end -}}
{{- if not $entries }}{{ fail "services: at least one entry must be enabled" }}{{ end -}}
{{- toJson $entries -}}
{{- end -}}

{{/* Every service that runs in some entry, sorted. */}}
{{- define "yiwang.all" -}}
{{- $all := list -}}
{{- range $entry := include "yiwang.entries" . | fromJson }}{{ $all = concat $all $entry.run }}{{ end -}}
{{- if ne (len $all) (len (uniq $all)) }}{{ fail (printf "services: a service may run in one entry only, but they run %s" ($all | sortAlpha | join ", ")) }}{{ end -}}
{{- $all | sortAlpha | toJson -}}
{{- end -}}

{{- define "yiwang.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .user }}
runAsGroup: {{ .user }}
fsGroup: {{ .user }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "yiwang.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* Where pods may run, and how they start: the same for all. */}}
{{- define "yiwang.podCommon" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Database: the chart's own cluster, or the one that is given. */}}
{{- define "yiwang.database" -}}
{{- $db := .Values.database -}}
{{- $name := $db.name | default (printf "yw_%s" .Values.node.code | lower) -}}
{{- if $db.cloudNativePG.enabled -}}
{{- $cluster := printf "%s-db" (include "yiwang.fullname" .) -}}
{{- dict "host" (printf "%s-rw" $cluster) "port" 5432 "name" $name "user" "yiwang" "sslmode" "require" "secret" (printf "%s-app" $cluster) "passwordKey" "password" | toJson -}}
{{- else -}}
{{- $_ := required "database.host: name the PostgreSQL server, or enable database.cloudNativePG" $db.host -}}
{{- $_ := required "database.secret: name the Secret that holds the login's password" $db.secret -}}
{{- dict "host" $db.host "port" $db.port "name" $name "user" $db.user "sslmode" $db.sslmode "secret" $db.secret "passwordKey" $db.passwordKey | toJson -}}
{{- end -}}
{{- end -}}

{{/* The URL of the own or the given servers. */}}
{{- define "yiwang.nats.url" -}}
{{- $nats := .Values.nats -}}
{{- if $nats.own -}}
{{- $name := include "yiwang.nats.name" . -}}
{{- $scheme := ternary "tls" "nats" (ne ($nats.client.caKey | default "") "") -}}
{{- $login := "" -}}
{{- if not $nats.client.nkeyKey -}}{{- $login = printf "%s:$(NATS_PASSWORD)@" ($nats.user | default $name) -}}{{- end -}}
{{- $urls := list -}}
{{- range $i := until (int (include "yiwang.nats.replicas" .)) -}}
{{- $urls = append $urls (printf "%s://%s%s-%d.%s:%d" $scheme $login $name (add1 $i) $name (int $nats.ports.client)) -}}
{{- end -}}
{{- $urls | join "," -}}
{{- else -}}
{{- $url := required "nats.url: name the servers that are there already, or set nats.own" $nats.url -}}
{{- if $nats.client.nkeyKey -}}
{{- $url -}}
{{- else -}}
{{- $user := required "nats.user: the user whose password is in nats.client.secret" $nats.user -}}
{{- regexReplaceAll "(nats|tls)://" $url (printf "${1}://%s:$(NATS_PASSWORD)@" $user) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "yiwang.nats.replicas" -}}
{{- len .Values.nats.servers | default 1 -}}
{{- end -}}

{{/* Environment for the database alone. */}}
{{- define "yiwang.env.database" -}}
{{- $db := include "yiwang.database" . | fromJson -}}
- name: PGPASSWORD
  valueFrom: {secretKeyRef: {name: {{ $db.secret }}, key: {{ $db.passwordKey }}}}
- {name: YIWANG_DATABASE_URL, value: {{ printf "postgresql://%s@%s:%d/%s?sslmode=%s" $db.user $db.host (int $db.port) $db.name $db.sslmode | quote }}}
{{- end -}}

{{/* Environment of every process that works for the node: services and backup. */}}
{{- define "yiwang.env" -}}
- {name: YIWANG_JURISDICTION, value: {{ .Values.node.code | quote }}}
- {name: YIWANG_TIER, value: {{ .Values.node.tier }}}
{{- with .Values.node.tenant }}
- {name: YIWANG_TENANT_ID, value: {{ . | quote }}}
{{- end }}
{{- if not .Values.nats.client.nkeyKey }}
- name: NATS_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ .Values.nats.client.secret }}, key: {{ .Values.nats.client.passwordKey }}}}
{{- else }}
- {name: YIWANG_NATS_NKEY_FILE, value: /etc/yiwang/nats/nkey}
{{- end }}
{{- if .Values.nats.client.caKey }}
- {name: YIWANG_NATS_TLS_CA, value: /etc/yiwang/nats/ca.crt}
{{- end }}
- {name: YIWANG_NATS_URL, value: {{ include "yiwang.nats.url" . | quote }}}
{{ include "yiwang.env.database" . }}
{{- if .Values.mesh.page }}
- {name: YIWANG_MESH, value: /etc/yiwang/mesh/mesh.json}
{{- end }}
{{- if eq (int (include "yiwang.nats.replicas" .)) 3 }}
- {name: YIWANG_STREAM_REPLICAS, value: "3"}
{{- end }}
{{- end -}}

{{/* Volumes and mounts that every process has. */}}
{{- define "yiwang.volumes" -}}
- name: tmp
  emptyDir: {sizeLimit: 256Mi}
{{- if or .Values.nats.client.nkeyKey .Values.nats.client.caKey }}
- name: nats-client
  secret:
    secretName: {{ .Values.nats.client.secret }}
    defaultMode: 0440
    items:
{{- with .Values.nats.client.nkeyKey }}
      - {key: {{ . }}, path: nkey}
{{- end }}
{{- with .Values.nats.client.caKey }}
      - {key: {{ . }}, path: ca.crt}
{{- end }}
{{- end }}
{{- if .Values.mesh.page }}
- name: mesh
  configMap: {name: {{ include "yiwang.fullname" . }}-mesh}
{{- end }}
{{- end -}}

{{- define "yiwang.mounts" -}}
- {name: tmp, mountPath: /tmp}
{{- if or .Values.nats.client.nkeyKey .Values.nats.client.caKey }}
- {name: nats-client, mountPath: /etc/yiwang/nats, readOnly: true}
{{- end }}
{{- if .Values.mesh.page }}
- {name: mesh, mountPath: /etc/yiwang/mesh, readOnly: true}
{{- end }}
{{- end -}}

{{/* What makes pods start anew when it changes. */}}
{{- define "yiwang.checksums" -}}
yiwang/mesh: {{ .Values.mesh.page | sha256sum | trunc 16 }}
yiwang/profile: {{ toJson .Values.profile | sha256sum | trunc 16 }}
{{- end -}}
