//! The engines of all models: one in this process, and one whose sessions are processes.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{
    Config, InferenceError, Isolation, engine::Engine, isolated::Isolated, onnx_runtime::OnnxRuntime,
};

/// Opened when the first model needs one.
pub(crate) struct Engines {
    own: Slot,
    /// `None` where models cannot be isolated.
    isolated: Option<Slot>,
    isolation: Isolation,
}

type Open = Box<dyn Fn() -> Result<Arc<dyn Engine>, InferenceError> + Send + Sync>;

/// An engine that is opened once. A failure is not remembered: what is missing may be installed.
struct Slot {
    open: Open,
    engine: Mutex<Option<Arc<dyn Engine>>>,
}

impl Engines {
    /// ONNX Runtime.
    pub(crate) fn of(config: &Config) -> Self {
        let (runtime, provider, kept) = (config.runtime.clone(), config.provider, config.kept.clone());
        let own = Slot::new(Box::new(move || {
            Ok(Arc::new(OnnxRuntime::open(&runtime, provider, kept.clone())?) as Arc<dyn Engine>)
        }));
        let isolated = config.host.clone().map(|host| {
            let config = config.clone();
            Slot::new(Box::new(move || {
                Ok(Arc::new(Isolated::open(host.clone(), &config)?) as Arc<dyn Engine>)
            }))
        });
        Self { own, isolated, isolation: config.isolation }
    }

    /// Only this one.
    pub(crate) fn only(engine: Arc<dyn Engine>) -> Self {
        let own = Slot::new(Box::new(move || Ok(Arc::clone(&engine))));
        Self { own, isolated: None, isolation: Isolation::Off }
    }

    /// The engine of a model whose manifest wants it isolated or not.
    pub(crate) fn for_model(&self, isolated: bool) -> Result<Arc<dyn Engine>, InferenceError> {
        let apart = match self.isolation {
            Isolation::Manifest => isolated,
            Isolation::All => true,
            Isolation::Off => false,
        };
        let slot = self.isolated.as_ref().filter(|_| apart).unwrap_or(&self.own);
        slot.engine()
    }

    /// The one in this process.
    pub(crate) fn engine(&self) -> Result<Arc<dyn Engine>, InferenceError> {
        self.own.engine()
    }

    /// The same, unless nobody has needed it yet.
    pub(crate) fn if_open(&self) -> Option<Arc<dyn Engine>> {
        self.own.engine.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Slot {
    fn new(open: Open) -> Self {
        Self { open, engine: Mutex::new(None) }
    }

    fn engine(&self) -> Result<Arc<dyn Engine>, InferenceError> {
        let mut slot = self.engine.lock().unwrap_or_else(PoisonError::into_inner);
        match slot.as_ref() {
            Some(engine) => Ok(Arc::clone(engine)),
            None => Ok(Arc::clone(slot.insert((self.open)()?))),
        }
    }
}
