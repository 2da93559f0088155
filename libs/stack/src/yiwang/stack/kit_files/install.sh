#!/bin/sh
# Installs Yiwang from this directory, without any network. As root: program in /opt/yiwang, settings in /etc/yiwang,
# data in /var/lib/yiwang, systemd units. Otherwise say where: PREFIX=~/yiwang ./install.sh
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/kit.env"
PREFIX=${PREFIX:-/opt/yiwang}
PYTHON=${PYTHON:-python$KIT_PYTHON}

fail() { echo "安装没有完成：$*" >&2; exit 1; }

command -v "$PYTHON" >/dev/null || fail "没有 $PYTHON。请先从系统安装盘安装 Python $KIT_PYTHON，或用 PYTHON=路径 指定"
found=$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
[ "$found" = "$KIT_PYTHON" ] || fail "这个安装包用于 Python $KIT_PYTHON，而 $PYTHON 是 $found"
[ "$(uname -m)" = "$KIT_MACHINE" ] || fail "这个安装包用于 $KIT_MACHINE，而本机是 $(uname -m)"
(cd "$here" && sha256sum --quiet -c SHA256SUMS) || fail "文件损坏：请重新拷贝安装包"

mkdir -p "$PREFIX" 2>/dev/null || fail "不能写入 $PREFIX：请用 root 运行，或用 PREFIX=目录 指定"
"$PYTHON" -m venv "$PREFIX/venv" || fail "建不了虚拟环境：请安装系统的 venv 组件（如 python3-venv）"
"$PREFIX/venv/bin/pip" install --quiet --disable-pip-version-check --no-index --find-links "$here/wheels" \
  -r "$here/packages.txt"
rm -rf "$PREFIX/share"
mkdir -p "$PREFIX/share"
cp -R "$here/profiles" "$here/maps" "$PREFIX/share/"

if [ "$(id -u)" = 0 ] && [ -d /run/systemd/system ] && [ "$PREFIX" = /opt/yiwang ]; then
  id yiwang >/dev/null 2>&1 || useradd --system --home-dir /var/lib/yiwang --shell /usr/sbin/nologin yiwang
  install -d -o yiwang -g yiwang -m 750 /var/lib/yiwang /var/backups/yiwang
  install -d -m 755 /etc/yiwang
  [ -e /etc/yiwang/yiwang.env ] || install -m 640 -g yiwang "$here/yiwang.env" /etc/yiwang/yiwang.env
  [ -e /etc/yiwang/profile ] || cp -R "$here/profiles/shenzhen" /etc/yiwang/profile
  cp "$here"/systemd/yiwang* /etc/systemd/system/
  systemctl daemon-reload
  echo "已安装。请改好 /etc/yiwang/yiwang.env 和 /etc/yiwang/profile，然后："
  echo "  systemctl enable --now yiwang yiwang-backup.timer"
  echo "  $PREFIX/venv/bin/yiwang user add admin --name 管理员 --role security_admin --area 区划代码 --data /var/lib/yiwang/data"
else
  echo "已安装到 $PREFIX。运行："
  echo "  $PREFIX/venv/bin/yiwang doctor"
  echo "  $PREFIX/venv/bin/yiwang up --profile-dir $PREFIX/share/profiles/shenzhen --data $PREFIX/data"
fi
