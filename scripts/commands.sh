# What `./x` does, one function a command.

DARKROOM=target/release/darkroom

build_release() {
  need_build_tools
  cargo build --quiet --release --package darkroom
}

demo() {
  say "building Darkroom in release mode (the first time takes some minutes)"
  build_release
  need_photos
  "$DARKROOM" --data-dir .x/models models fetch onnxruntime efficientnet-lite0
  python3 demo/demo.py --darkroom "$DARKROOM" --photos "$PHOTOS" --models .x/models --out .x/demo "$@"
}

serve() {
  build_release
  exec "$DARKROOM" serve "$@"
}

lint() {
  need_build_tools
  say "format"
  cargo fmt --all --check
  say "clippy"
  cargo clippy --quiet --workspace --all-targets --all-features -- --deny warnings
  say "licences, bans and sources"
  cargo_tool cargo-deny 0.20.2
  .x/tools/bin/cargo-deny --log-level error check licenses bans sources
}

run_tests() {
  need_build_tools
  need_photos
  need_runtime
  lint
  need_face_models
  say "tests"
  cargo test --workspace --all-features
  say "fuzzing, for half a minute"
  fuzz 30
  build_release
  say "the HTTP API against its own document"
  tests/schemathesis/run "$DARKROOM"
  say "the Open Inference Protocol, asked by Triton's own client"
  tests/tritonclient/run "$DARKROOM"
  need_browser
  need_page_models
  cargo build --release --package darkroom-server --example crowd
  say "the dashboard, in a browser"
  tests/dashboard/run "$DARKROOM"
  say "the demo"
  demo
  say "everything passed"
}

# YuNet and SFace, for the tests of faces.
need_face_models() {
  # With the features of the tests, so that nothing is compiled twice.
  cargo run --quiet --all-features --package darkroom -- --data-dir .x/models models fetch yunet sface
}

# Pictures of every page of the dashboard: light and dark, wide and narrow.
screenshots() {
  build_release
  need_photos
  need_runtime
  need_page_models
  need_browser
  tests/dashboard/run "$DARKROOM" --screenshots "${1:-.x/screenshots}"
}

# What the pages of the dashboard are shown with.
need_page_models() {
  "$DARKROOM" --data-dir .x/models models fetch yunet sface efficientnet-lite0
}

bench() {
  need_build_tools
  local name=${1:-}
  [ -n "$name" ] && [ -x "benches/$name/run" ] || die "benchmarks: $(ls benches | tr '\n' ' ')"
  shift
  "benches/$name/run" "$@"
}

crash() {
  need_build_tools
  DARKROOM_CRASH_ROUNDS=$1 cargo test --release --package darkroom-store --test it -- --nocapture crash
}

fuzz() {
  need_build_tools
  crates/imaging/fuzz/run "$1"
}

write_docs() {
  DARKROOM_WRITE_DOCS=1 cargo test --quiet --workspace generated
}
