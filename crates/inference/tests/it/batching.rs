//! What waits is gathered; what fails, crashes or stalls concerns nobody else.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use darkroom_inference::{Config, Data, InferenceError, Model, Models, Named, Pending, Tensor};

use crate::{
    fake::{CRASH, FAIL, FakeEngine, STALL},
    folder::{Folder, TENSORS},
    net, runtime,
};

struct House {
    folder: Folder,
    engine: Arc<FakeEngine>,
    models: Models,
}

/// Two models, each with so many sessions and a queue of 4.
fn house(sessions: usize, run_time: Duration) -> House {
    let folder = Folder::new();
    folder.add("one/1", b"one", TENSORS);
    folder.add("two/1", b"two", TENSORS);
    let engine = Arc::new(FakeEngine::default());
    let config = Config { sessions, run_time, ..folder.config() };
    let models = Models::with_engine(&config, Arc::clone(&engine) as _);
    House { folder, engine, models }
}

impl House {
    fn model(&self, name: &str) -> Arc<Model> {
        self.models.get(name, None).unwrap()
    }
}

const LONG: Duration = Duration::from_mins(1);

fn ask(model: &Model, value: f32) -> Result<Pending<Vec<Named>>, InferenceError> {
    model.infer(vec![("x".to_owned(), Tensor::new([1, 1], Data::F32(vec![value])).unwrap())])
}

fn answer(pending: Pending<Vec<Named>>) -> Result<f32, InferenceError> {
    pending.wait().map(|outputs| outputs[0].1.to_f32().unwrap()[0])
}

#[test]
fn what_waits_is_run_together_and_answered_apart() {
    let house = house(1, LONG);
    let model = house.model("one");
    house.engine.close();
    let first = ask(&model, 1.0).unwrap();
    house.engine.wait_for(1);
    let rest: Vec<_> = [2.0, 3.0, 4.0, 5.0].map(|value| ask(&model, value).unwrap()).into();
    assert_eq!(model.waiting(), 4);
    house.engine.open();
    assert_eq!(answer(first), Ok(2.0));
    let answers: Vec<_> = rest.into_iter().map(|pending| answer(pending).unwrap()).collect();
    assert_eq!(answers, [4.0, 6.0, 8.0, 10.0]);
    assert_eq!(house.engine.runs(), [1, 4], "nobody waited for more; four waited for the engine");
}

#[test]
fn a_full_queue_refuses_and_says_so() {
    let house = house(1, LONG);
    let model = house.model("one");
    house.engine.close();
    let _first = ask(&model, 1.0).unwrap();
    house.engine.wait_for(1);
    let waiting: Vec<_> = (0..4).map(|_| ask(&model, 2.0).unwrap()).collect();
    let refused = ask(&model, 3.0).unwrap_err();
    assert_eq!(refused, InferenceError::Overloaded { model: "one/1".to_owned(), waiting: 4 });
    assert!(ask(&house.model("two"), 1.0).is_ok(), "another model has a queue of its own");
    drop(waiting);
    assert!(ask(&model, 3.0).is_ok(), "who went away makes room");
    house.engine.open();
}

#[test]
fn a_caller_that_went_away_is_skipped() {
    let house = house(1, LONG);
    let model = house.model("one");
    house.engine.close();
    let first = ask(&model, 1.0).unwrap();
    house.engine.wait_for(1);
    drop(ask(&model, 2.0).unwrap());
    let third = ask(&model, 3.0).unwrap();
    house.engine.open();
    assert_eq!((answer(first), answer(third)), (Ok(2.0), Ok(6.0)));
    assert_eq!(house.engine.runs(), [1, 1]);
}

#[test]
fn several_sessions_run_beside_each_other_once_they_are_needed() {
    let house = house(2, LONG);
    let model = house.model("one");
    assert_eq!(answer(ask(&model, 1.0).unwrap()), Ok(2.0));
    assert_eq!(answer(ask(&model, 1.0).unwrap()), Ok(2.0));
    assert_eq!(house.engine.loads.load(Ordering::SeqCst), 1, "one after the other needs one session");
    house.engine.close();
    let first = ask(&model, 2.0).unwrap();
    house.engine.wait_for(1);
    let both = [first, ask(&model, 3.0).unwrap()];
    house.engine.wait_for(2);
    assert_eq!(house.engine.loads.load(Ordering::SeqCst), 2);
    house.engine.open();
    assert_eq!(both.map(answer), [Ok(4.0), Ok(6.0)]);
}

#[test]
fn one_that_fails_does_not_fail_its_neighbours() {
    let house = house(1, LONG);
    let model = house.model("one");
    house.engine.close();
    let first = ask(&model, 1.0).unwrap();
    house.engine.wait_for(1);
    let rest = [2.0, FAIL, 3.0].map(|value| ask(&model, value).unwrap());
    house.engine.open();
    assert_eq!(answer(first), Ok(2.0));
    let [second, failing, third] = rest.map(answer);
    assert_eq!((second, third), (Ok(4.0), Ok(6.0)));
    assert!(matches!(failing, Err(InferenceError::Failed { .. })), "{failing:?}");
}

#[test]
fn a_crash_ends_a_session_and_not_the_model() {
    let house = house(1, LONG);
    let model = house.model("one");
    let crash = answer(ask(&model, CRASH).unwrap()).unwrap_err();
    assert!(matches!(crash, InferenceError::Crashed { .. }), "{crash}");
    assert_eq!(answer(ask(&model, 4.0).unwrap()), Ok(8.0));
    assert_eq!(house.engine.loads.load(Ordering::SeqCst), 2, "the session was replaced");
    for _ in 0..5 {
        assert!(answer(ask(&model, CRASH).unwrap()).is_err());
    }
    assert_eq!(answer(ask(&house.model("two"), 1.0).unwrap()), Ok(2.0));
    // A question that comes in the moment of giving up shares that fate; the one after it does not.
    let tried = answer(ask(&model, 5.0).unwrap()).or_else(|_| answer(ask(&model, 5.0).unwrap()));
    assert_eq!(tried, Ok(10.0), "even one that was given up is tried again");
}

#[test]
fn a_crash_while_loading_is_an_error_of_that_model() {
    let house = house(1, LONG);
    house.folder.add("crash/1", b"crash", TENSORS);
    house.models.refresh();
    let error = answer(ask(&house.model("crash"), 1.0).unwrap()).unwrap_err();
    assert!(matches!(error, InferenceError::BadModel { .. }), "{error}");
    assert_eq!(answer(ask(&house.model("one"), 1.0).unwrap()), Ok(2.0));
}

#[test]
fn a_model_that_stalls_is_reported_and_holds_up_nobody() {
    let house = house(1, Duration::from_secs(1));
    let model = house.model("one");
    let stalled = ask(&model, STALL).unwrap();
    house.engine.wait_for(1);
    assert_eq!(in_time(&house.model("two")), Ok(2.0));
    let error = answer(stalled).unwrap_err();
    assert!(
        matches!(error, InferenceError::TimedOut { .. }),
        "the caller is told though the engine is deaf: {error}"
    );
    let waiting = ask(&model, 1.0).unwrap();
    house.engine.end_stall();
    assert_eq!(answer(waiting).or_else(|_| in_time(&model)), Ok(2.0), "when it comes back it goes on");
}

/// What 1 gives, asked again if the machine stood still for longer than a run may take.
fn in_time(model: &Model) -> Result<f32, InferenceError> {
    let late = |asked: &Result<f32, InferenceError>| matches!(asked, Err(InferenceError::TimedOut { .. }));
    let mut asked = (0..10).map(|_| answer(ask(model, 1.0).unwrap()));
    asked.find(|asked| !late(asked)).expect("one answer of ten that is in time")
}

#[test]
fn answers_can_be_awaited() {
    let house = house(1, LONG);
    let pending = ask(&house.model("one"), 4.0).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let outputs = runtime.block_on(pending).unwrap();
    assert_eq!(outputs[0].1.to_f32(), Some(vec![8.0]));
}

#[test]
fn a_model_that_does_not_keep_rows_apart_is_run_one_by_one() {
    let folder = Folder::new();
    folder.add("sum/1", &net::all_rows(), TENSORS);
    if runtime::place().is_none() {
        return;
    }
    let models = Models::open(&Config { sessions: 1, queue: 64, ..folder.config() }).unwrap();
    let model = models.get("sum", None).unwrap();
    let row = |value: f32| vec![("x".to_owned(), Tensor::new([1, 2], Data::F32(vec![value, 1.0])).unwrap())];
    let pending: Vec<_> = (0..20).map(|value| model.infer(row(value as f32)).unwrap()).collect();
    for (value, pending) in pending.into_iter().enumerate() {
        assert_eq!(answer(pending), Ok(value as f32 + 1.0));
    }
}
