//! Models in processes of their own: the same answers, and no harm from what happens there.

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use darkroom_imaging::{Frame, Layout};
use darkroom_inference::{
    Config, Data, HostCommand, InferenceError, Isolation, Models, Tensor, isolated::host, onnx::DataType,
};

use crate::{
    folder::{Folder, MEANS, TENSORS},
    net,
    onnx_runtime::row,
};

/// How long a process may take to end on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Set for the children of these tests, which are this program again.
const CHILD: &str = "DARKROOM_TEST_ENGINE";

/// Not a test but the child's whole program, reached by its name; for everybody else it does nothing.
#[test]
fn the_child() {
    if std::env::var_os(CHILD).is_some() {
        host::serve().unwrap();
    }
}

/// A program that becomes such a child, and writes down its process.
fn child(folder: &Folder) -> HostCommand {
    let this = std::env::current_exe().unwrap();
    let text = format!(
        "#!/bin/sh\necho $$ >> '{}'\n{CHILD}=1 exec '{}' isolation::the_child --exact\n",
        folder.path().join("children").display(),
        this.display()
    );
    let script = folder.path().join("child.sh");
    fs::write(&script, text).unwrap();
    HostCommand { program: "/bin/sh".into(), arguments: vec![script.into()] }
}

/// Every process that was started, in order.
fn children(folder: &Folder) -> Vec<String> {
    let list = fs::read_to_string(folder.path().join("children")).unwrap_or_default();
    list.lines().map(str::to_owned).collect()
}

/// One session a model.
fn isolated(folder: &Folder) -> Option<Models> {
    isolated_with(folder, folder.config())
}

fn isolated_with(folder: &Folder, config: Config) -> Option<Models> {
    crate::runtime::place()?;
    let config = Config { host: Some(child(folder)), sessions: 1, ..config };
    Some(Models::open(&config).unwrap())
}

fn asked(models: &Models, name: &str, values: &[f32]) -> Result<Tensor, InferenceError> {
    let input = Tensor::new([values.len()], Data::F32(values.to_vec())).unwrap();
    let pending = models.get(name, None)?.infer(vec![("x".to_owned(), input)])?;
    Ok(pending.wait()?.remove(0).1)
}

fn is_there(process: &str) -> bool {
    Path::new("/proc").join(process).exists()
}

#[test]
fn an_isolated_model_answers_as_any_other() {
    let folder = Folder::new();
    folder.add("means/1", &net::means(), MEANS);
    folder.add("arithmetic/1", &net::arithmetic(), TENSORS);
    folder.add("own/1", &net::means(), &format!("isolated = false\n{MEANS}"));
    let Some(models) = isolated(&folder) else { return };
    let frame = Frame { width: 5, height: 7, layout: Layout::Rgb, pixels: [0, 200, 100].repeat(35) };
    let scores = |name: &str| models.get(name, None).unwrap().predict_image(&frame).unwrap().wait().unwrap();
    assert_eq!(scores("own"), scores("means"));
    assert_eq!(children(&folder).len(), 1, "one of the two has a process");
    let arithmetic = models.get("arithmetic", None).unwrap();
    let outputs = arithmetic.infer(vec![row("b", [3.0, 4.0]), row("a", [5.0, 6.0])]).unwrap().wait().unwrap();
    assert_eq!(outputs, [row("sum", [8.0, 10.0]), row("product", [15.0, 24.0])]);
    assert_eq!(models.get("means", None).unwrap().check().unwrap(), []);
}

#[test]
fn a_crash_fails_one_request_and_the_next_one_is_answered() {
    let folder = Folder::new();
    folder.add("same/1", &net::same(DataType::Float), TENSORS);
    let Some(models) = isolated(&folder) else { return };
    assert!(asked(&models, "same", &[1.0]).is_ok());
    let first = children(&folder).remove(0);
    assert!(Command::new("kill").args(["-KILL", &first]).status().unwrap().success());
    let error = asked(&models, "same", &[2.0]).unwrap_err();
    assert!(matches!(error, InferenceError::Crashed { .. }), "{error}");
    assert!(error.to_string().contains("signal 9"), "{error}");
    assert_eq!(asked(&models, "same", &[3.0]).unwrap().to_f32(), Some(vec![3.0]));
    assert_eq!(children(&folder).len(), 2);
    assert!(!is_there(&first), "it is not left behind as a zombie");
}

#[test]
fn a_run_that_does_not_end_is_ended_with_its_process() {
    let folder = Folder::new();
    folder.add("endless/1", &net::doubling(i64::MAX), TENSORS);
    let short = Config { run_time: Duration::from_millis(500), ..folder.config() };
    let Some(models) = isolated_with(&folder, short) else { return };
    for _ in 0..2 {
        let error = asked(&models, "endless", &[1.0]).unwrap_err();
        assert!(matches!(error, InferenceError::TimedOut { .. }), "{error}");
    }
}

#[test]
fn a_file_that_is_no_model_and_a_program_that_is_none_are_errors() {
    let folder = Folder::new();
    folder.add("garbage/1", &[0xff; 500], TENSORS);
    folder.add("same/1", &net::same(DataType::Float), TENSORS);
    let Some(models) = isolated(&folder) else { return };
    let error = asked(&models, "garbage", &[1.0]).unwrap_err();
    assert!(matches!(error, InferenceError::BadModel { .. }), "{error}");

    let host = |program: &str| HostCommand { program: program.into(), arguments: Vec::new() };
    for (program, said) in [("/nowhere", "no process can be started"), ("true", "loading it crashed")] {
        let config = Config { host: Some(host(program)), ..folder.config() };
        let error = asked(&Models::open(&config).unwrap(), "same", &[1.0]).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
    let off = Config { host: Some(host("/nowhere")), isolation: Isolation::Off, ..folder.config() };
    assert!(asked(&Models::open(&off).unwrap(), "same", &[1.0]).is_ok());
}

#[test]
fn the_process_goes_with_its_model() {
    let folder = Folder::new();
    folder.add("same/1", &net::same(DataType::Float), TENSORS);
    let Some(models) = isolated(&folder) else { return };
    assert!(asked(&models, "same", &[1.0]).is_ok());
    let process = children(&folder).remove(0);
    assert!(is_there(&process));
    models.get("same", None).unwrap().unload();
    // Its thread ends in its own time, which is soon.
    let begun = Instant::now();
    while is_there(&process) {
        assert!(begun.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain for the end of process {process}");
        std::thread::yield_now();
    }
}
