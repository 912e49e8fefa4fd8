# What commands need, installed once, by package name.

say() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }
die() { printf 'x: %s\n' "$*" >&2; exit 2; }

# need_debian COMMAND PACKAGE…: installs the packages unless the command is there.
need_debian() {
  local command=$1
  shift
  command -v "$command" >/dev/null && return
  command -v apt-get >/dev/null || die "\`$command\` is missing: install $*"
  say "installing Debian packages: $*"
  local as_root=()
  [ "$(id -u)" = 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# What compiling needs: a C compiler for the decoders, and nasm, without which the JPEG decoder loses its SIMD.
need_build_tools() {
  command -v cargo >/dev/null || die "Rust is missing: install it with rustup"
  need_debian cc build-essential
  need_debian nasm nasm
  # The AVIF decoder: dav1d is built by meson and ninja, libavif by cmake.
  need_debian cmake cmake
  need_debian meson meson
  need_debian ninja ninja-build
}

# A browser, and what drives it.
need_browser() {
  need_debian chromium chromium
  need_debian npm nodejs npm
}

# python_venv NAME REQUIREMENT…: a virtual environment in .x/venv/NAME with exactly these packages.
python_venv() {
  local name=$1 venv=.x/venv/$1
  shift
  local wanted="$*"
  [ -f "$venv/.x-installed" ] && [ "$(cat "$venv/.x-installed")" = "$wanted" ] && return
  say "installing Python packages into .x/venv/$name: $wanted"
  python3 -m venv "$venv" 2>/dev/null || { need_debian ensurepip-missing python3-venv; python3 -m venv "$venv"; }
  "$venv/bin/pip" install --quiet --disable-pip-version-check "$@"
  printf '%s' "$wanted" >"$venv/.x-installed"
}

# cargo_tool NAME VERSION: a cargo subcommand in .x/tools.
cargo_tool() {
  local name=$1 version=$2
  [ -x ".x/tools/bin/$name" ] && return
  say "installing $name $version with cargo, once (some minutes)"
  cargo install --quiet --locked --root .x/tools "$name" --version "$version"
}

# Real photographs, from a Python package that carries them for its examples.
PHOTOS=.x/photos
PHOTOS_PACKAGE=scikit-image==0.25.2
PHOTOS_SHA256=24cc986e1f4187a12aa319f777b36008764e856e5013666a4a83f8df083c2641

need_photos() {
  [ -f "$PHOTOS/.complete" ] && return
  say "fetching photographs: the Python package $PHOTOS_PACKAGE"
  local wheels=.x/wheels
  mkdir -p "$wheels" "$PHOTOS"
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
    --python-version 3.11 --platform manylinux2014_x86_64 --dest "$wheels" "$PHOTOS_PACKAGE"
  echo "$PHOTOS_SHA256  $(ls "$wheels"/scikit_image-*.whl)" | sha256sum --quiet --check - ||
    die "the package's checksum is wrong; delete $wheels and try again"
  python3 - "$wheels"/scikit_image-*.whl "$PHOTOS" <<'END'
import pathlib, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    for name in wheel.namelist():
        path = pathlib.PurePosixPath(name)
        if path.parent == pathlib.PurePosixPath("skimage/data") and path.suffix in {".png", ".jpg", ".gif", ".tif"}:
            pathlib.Path(sys.argv[2], path.name).write_bytes(wheel.read(name))
END
  touch "$PHOTOS/.complete"
}

# ONNX Runtime's library, from the Python package that carries it.
RUNTIME=.x/runtime
RUNTIME_PACKAGE=onnxruntime==1.31.1
RUNTIME_LIBRARY=libonnxruntime.so.1.31.1
RUNTIME_SHA256=fc44112fbe06d7d689c57e11d3862031f64711007e4ee020f8eed5185fd2c1d3

need_runtime() {
  [ -f "$RUNTIME/$RUNTIME_LIBRARY" ] && return
  say "fetching ONNX Runtime: the Python package $RUNTIME_PACKAGE"
  local wheels=.x/wheels
  mkdir -p "$wheels" "$RUNTIME"
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
    --python-version 3.11 --platform manylinux_2_28_x86_64 --platform manylinux2014_x86_64 \
    --dest "$wheels" "$RUNTIME_PACKAGE"
  python3 - "$wheels"/onnxruntime-*.whl "$RUNTIME_LIBRARY" "$RUNTIME/$RUNTIME_LIBRARY.part" <<'END'
import pathlib, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    pathlib.Path(sys.argv[3]).write_bytes(wheel.read(f"onnxruntime/capi/{sys.argv[2]}"))
END
  echo "$RUNTIME_SHA256  $RUNTIME/$RUNTIME_LIBRARY.part" | sha256sum --quiet --check - ||
    die "the library's checksum is wrong; delete $wheels and try again"
  mv "$RUNTIME/$RUNTIME_LIBRARY.part" "$RUNTIME/$RUNTIME_LIBRARY"
}
