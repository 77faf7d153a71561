#!/bin/sh
# Installs the named programs if they are missing, saying so first; if it cannot, says the one command to run.
# Usage: install.sh cc|curl|jq|oathtool|pskctool|pskc2csv|tesseract|npx ...
set -eu

package() { # program, manager: the package that has it
	case "$1:$2" in
	cc:apt-get) echo gcc libc6-dev ;;
	cc:apk) echo gcc musl-dev ;;
	cc:*) echo gcc ;;
	oathtool:apt-get | oathtool:dnf) echo oathtool ;;
	tesseract:apt-get) echo tesseract-ocr tesseract-ocr-chi-sim ;;
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
	npx:brew) echo node ;;
	*) echo "$1" ;;
	esac
}

missing=
for program in "$@"; do
	command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
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
