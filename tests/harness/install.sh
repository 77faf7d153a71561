#!/bin/sh
# Installs the named programs if they are missing, saying so first; if it cannot, says the one command to run.
# Usage: install.sh cc|chromium|curl|haproxy|jq|oathtool|pg_dump|pgbouncer|pskctool|pskc2csv|tesseract|npx|nodejs|venv ...
# (npx: with Node.js 20.19 or newer, for the linters of the contract. nodejs: Node.js 18 or newer, with npm.
# venv: Python 3.10 or newer that can make virtual environments.)
set -eu

package() { # program, manager: the package that has it
	case "$1:$2" in
	cc:apt-get) echo gcc libc6-dev ;;
	cc:apk) echo gcc musl-dev ;;
	cc:*) echo gcc ;;
	pg_dump:apt-get | pg_dump:apk) echo postgresql-client ;;
	pg_dump:*) echo postgresql ;;
	oathtool:apt-get | oathtool:dnf) echo oathtool ;;
	tesseract:apt-get) echo tesseract-ocr tesseract-ocr-chi-sim ;;
	chromium:apt-get) echo chromium fonts-wqy-microhei ;; # its pages are in Chinese too
	chromium:dnf) echo chromium wqy-microhei-fonts ;;
	chromium:apk) echo chromium font-wqy-zenhei ;;
	tesseract:dnf) echo tesseract tesseract-langpack-chi_sim ;;
	tesseract:apk) echo tesseract-ocr tesseract-ocr-data-eng tesseract-ocr-data-chi_sim ;;
	tesseract:brew) echo tesseract tesseract-lang ;;
	oathtool:apk | pskctool:apk) echo oath-toolkit-"$1" ;;
	oathtool:brew | pskctool:brew) echo oath-toolkit ;;
	pskc2csv:apt-get) echo pskc-utils ;;
	pskc2csv:*) echo pipx ;; # of which it is installed below
	zbarimg:apt-get) echo zbar-tools ;;
	zbarimg:*) echo zbar ;;
	npx:apt-get | npx:apk) echo npm ;;
	npx:dnf) echo nodejs-npm ;;
	npx:brew | nodejs:brew) echo node ;;
	nodejs:dnf) echo nodejs nodejs-npm ;;
	nodejs:*) echo nodejs npm ;;
	venv:apt-get) echo python3 python3-venv ;;
	venv:*) echo python3 ;;
	*) echo "$1" ;;
	esac
}

present() { # program
	case "$1" in
	npx) command -v npx && node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || a == 20 && b >= 19 ? 0 : 1)' ;;
	nodejs) command -v npm && node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' ;;
	chromium) command -v chromium || command -v chromium-browser || command -v google-chrome || [ -d /Applications/Chromium.app ] ;;
	venv) python3 -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))' ;;
	haproxy | pgbouncer) PATH=$PATH:/usr/sbin command -v "$1" ;; # an ordinary user's may lack it
	*) command -v "$1" ;;
	esac >/dev/null 2>&1
}

missing=
for program in "$@"; do
	present "$program" || missing="$missing $program"
done
[ -n "$missing" ] || exit 0

for manager in apt-get dnf apk brew; do
	command -v "$manager" >/dev/null 2>&1 && break
	manager=
done
if [ -z "$manager" ]; then
	echo "Missing:$missing. Install them with your package manager, then try again." >&2
	exit 1
fi
packages=
for program in $missing; do packages="$packages $(package "$program" "$manager")"; done

sudo=
if [ "$manager" != brew ] && [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null 2>&1 || {
		echo "Missing:$missing. As root, run: $manager install$packages" >&2
		exit 1
	}
	sudo=sudo
fi
echo "Installing$packages with $manager (for:$missing)"
case $manager in
apt-get)
	$sudo apt-get update -q
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $packages
	;;
dnf) $sudo dnf install -y $packages ;;
apk) $sudo apk add $packages ;;
brew) brew install $packages ;;
esac
case "$manager$missing" in
apt-get*) ;;
brew*pskc2csv*) PIPX_BIN_DIR=$(brew --prefix)/bin pipx install 'python-pskc[defuse]' ;;
*pskc2csv*) $sudo env PIPX_HOME=/usr/local/lib/pipx PIPX_BIN_DIR=/usr/local/bin pipx install 'python-pskc[defuse]' ;;
esac

for program in $missing; do
	present "$program" || {
		echo "Installed, but still missing or too old: $program. See the top of $0 for what is needed." >&2
		exit 1
	}
done
