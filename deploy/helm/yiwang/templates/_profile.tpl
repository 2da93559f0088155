{{/* The entry in which the issuer of the tokens runs, as a host name. */}}
{{- define "yiwang.issuer" -}}
{{- range $name, $entry := include "yiwang.entries" . | fromJson -}}
{{- if has "identity" $entry.run }}{{ include "yiwang.entry.name" (dict "root" $ "name" $name) }}{{ end -}}
{{- end -}}
{{- end -}}

{{- define "yiwang.profile.path" -}}
{{- $profile := .Values.profile -}}
{{- if and $profile.files $profile.claim }}{{ fail "profile: give files or claim, not both" }}{{ end -}}
{{- if or $profile.files $profile.claim -}}
/etc/yiwang/profile
{{- else if $profile.image -}}
/opt/yiwang/profiles/{{ $profile.image }}
{{- end -}}
{{- end -}}

{{- define "yiwang.profile.mount" -}}
{{- if or .Values.profile.files .Values.profile.claim -}}
- {name: profile, mountPath: /etc/yiwang/profile, readOnly: true}
{{- end -}}
{{- end -}}

{{/* A key of a ConfigMap has no slash: a path's slashes are two underscores there, and slashes again in the volume. */}}
{{- define "yiwang.profile.volume" -}}
{{- if .Values.profile.files -}}
- name: profile
  configMap:
    name: {{ include "yiwang.fullname" . }}-profile
    items:
{{- range $path, $text := .Values.profile.files }}
      - {key: {{ $path | replace "/" "__" }}, path: {{ $path }}}
{{- end }}
{{- else if .Values.profile.claim -}}
- name: profile
  persistentVolumeClaim: {claimName: {{ .Values.profile.claim }}, readOnly: true}
{{- end -}}
{{- end -}}
