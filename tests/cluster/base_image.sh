#!/usr/bin/env bash
# base_image.sh [NAME:TAG]: makes a stand-in for python:3.11-slim where no image can be pulled.
#
# Debian bookworm with its Python 3.11, put together from Debian's packages and imported into Docker (needs root,
# debootstrap and Docker; about a minute). What this machine trusts and how its pip finds packages is copied into it,
# so that `docker build` works where this machine's own pip works: keep such an image, and what is built on it, here.
set -euo pipefail
name=${1:-gan-base:local}
export DOCKER=${DOCKER:-$([ -x /usr/bin/docker ] && echo /usr/bin/docker || echo docker)}
: "${SOURCE_DATE_EPOCH:=0}"

[ "$(id -u)" = 0 ] || { echo "base_image.sh: debootstrap needs root" >&2; exit 1; }
for tool in debootstrap "$DOCKER"; do
  command -v "$tool" > /dev/null || { echo "base_image.sh: $tool is not installed" >&2; exit 1; }
done
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"

debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv bookworm "$root" > "$root.log" 2>&1 ||
  { tail -20 "$root.log" >&2; rm -f "$root.log"; exit 1; }
rm -f "$root.log"
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/* "$root"/var/cache/ldconfig/* \
  "$root"/usr/share/{doc,info,locale,man}/* "$root"/etc/machine-id
find "$root" -name __pycache__ -prune -exec rm -rf {} +

bundle=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
if [ -f "$bundle" ]; then install -m 644 "$bundle" "$root/etc/ssl/certs/ca-certificates.crt"; fi
{
  echo "[global]"
  echo "cert = /etc/ssl/certs/ca-certificates.crt"
  for key in index-url extra-index-url trusted-host proxy timeout; do
    variable=PIP_$(tr a-z- A-Z_ <<< "$key")
    value=${!variable:-$(python3 -m pip config get "global.$key" 2> /dev/null || true)}
    if [ -n "$value" ]; then echo "$key = $value"; fi
  done
} > "$root/etc/pip.conf"

# the same order, owners and times always, so that what differs between two bases is what their packages differ in
tar --create --directory "$root" --sort=name --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" --exclude='./dev/*' \
  --exclude='./proc/*' --exclude='./sys/*' . | "$DOCKER" import --change 'CMD ["python3"]' \
  --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' - "$name"
"$DOCKER" image inspect --format "$name {{.Id}} {{.Size}} bytes" "$name"
