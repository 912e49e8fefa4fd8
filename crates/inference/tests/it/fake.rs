//! An engine whose runs begin and end when a test says so, and which crashes on command.

use std::{
    path::Path,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use darkroom_inference::{
    Data, ElementType, Named, Tensor, TensorInfo,
    engine::{Engine, EngineError, LoadOptions, Session, Stop},
};

/// No test waits longer for a run to begin.
const PATIENCE: Duration = Duration::from_mins(1);

/// Makes the engine panic.
pub(crate) const CRASH: f32 = 13.0;
/// Makes a run fail.
pub(crate) const FAIL: f32 = 17.0;
/// Blocks a run until it is let go, and does not react to being stopped.
pub(crate) const STALL: f32 = 19.0;

/// `y = 2 x`, row by row. What happened is counted.
#[derive(Default)]
pub(crate) struct FakeEngine {
    pub(crate) loads: AtomicUsize,
    gate: Arc<Gate>,
}

#[derive(Default)]
struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    closed: bool,
    stalled: bool,
    /// Runs that stand at the gate.
    standing: usize,
    /// The rows of each run, warm-ups left out.
    runs: Vec<usize>,
}

impl FakeEngine {
    /// Runs that begin from now on wait at the gate.
    pub(crate) fn close(&self) {
        self.gate.state.lock().unwrap().closed = true;
    }

    /// Lets them all go.
    pub(crate) fn open(&self) {
        self.gate.state.lock().unwrap().closed = false;
        self.gate.changed.notify_all();
    }

    /// Waits until so many runs stand at the gate.
    pub(crate) fn wait_for(&self, standing: usize) {
        let state = self.gate.state.lock().unwrap();
        let few = |state: &mut State| state.standing < standing;
        let (state, over) = self.gate.changed.wait_timeout_while(state, PATIENCE, few).unwrap();
        assert!(!over.timed_out(), "{} runs instead of {standing} stand at the gate", state.standing);
    }

    /// Lets stalled runs end.
    pub(crate) fn end_stall(&self) {
        self.gate.state.lock().unwrap().stalled = true;
        self.gate.changed.notify_all();
    }

    /// The rows of each run so far.
    pub(crate) fn runs(&self) -> Vec<usize> {
        self.gate.state.lock().unwrap().runs.clone()
    }
}

impl Engine for FakeEngine {
    fn name(&self) -> String {
        "fake".to_owned()
    }

    fn load(&self, file: &Path, _options: &LoadOptions) -> Result<Box<dyn Session>, EngineError> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        let content = std::fs::read_to_string(file).map_err(|error| EngineError::Model(error.to_string()))?;
        assert!(content != "crash", "as the test wants it");
        let info = |name: &str| TensorInfo {
            name: name.to_owned(),
            element_type: ElementType::F32,
            shape: Some(vec![None, Some(1)]),
        };
        Ok(Box::new(FakeSession { inputs: [info("x")], outputs: [info("y")], gate: Arc::clone(&self.gate) }))
    }
}

struct FakeSession {
    inputs: [TensorInfo; 1],
    outputs: [TensorInfo; 1],
    gate: Arc<Gate>,
}

impl Session for FakeSession {
    fn inputs(&self) -> &[TensorInfo] {
        &self.inputs
    }

    fn outputs(&self) -> &[TensorInfo] {
        &self.outputs
    }

    fn run(&mut self, inputs: &[(&str, &Tensor)]) -> Result<Vec<Named>, EngineError> {
        let values = inputs[0].1.to_f32().unwrap();
        if values != [0.0] {
            let mut state = self.gate.state.lock().unwrap();
            state.runs.push(values.len());
            state.standing += 1;
            self.gate.changed.notify_all();
            let stalls = values.contains(&STALL);
            let held = |state: &mut State| state.closed || (stalls && !state.stalled);
            let mut state = self.gate.changed.wait_while(state, held).unwrap();
            state.standing -= 1;
        }
        assert!(!values.contains(&CRASH), "as the test wants it");
        if values.contains(&FAIL) {
            return Err(EngineError::Run("as the test wants it".to_owned()));
        }
        let doubled: Vec<f32> = values.iter().map(|v| v * 2.0).collect();
        Ok(vec![("y".to_owned(), Tensor::new([doubled.len(), 1], Data::F32(doubled)).unwrap())])
    }

    fn stopper(&self) -> Arc<dyn Stop> {
        Arc::new(Deaf)
    }
}

/// Does not stop for anybody.
struct Deaf;

impl Stop for Deaf {
    fn stop(&self) {}
}
