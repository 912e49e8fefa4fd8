//! A loaded ONNX model.

use std::{borrow::Cow, sync::Arc};

use ort::{
    session::{NoSelectedOutputs, RunOptions, Session as Inner, SessionInputValue},
    value::{Outlet, ValueType},
};

use super::values;
use crate::{
    engine::{EngineError, Session, Stop},
    tensor::{Named, Tensor, TensorInfo},
};

pub(super) struct OnnxSession {
    inner: Inner,
    inputs: Vec<TensorInfo>,
    outputs: Vec<TensorInfo>,
    options: Arc<Options>,
}

/// What a run can be stopped by.
struct Options(RunOptions<NoSelectedOutputs>);

impl OnnxSession {
    pub(super) fn new(inner: Inner) -> Result<Self, EngineError> {
        let all = |outlets: &[Outlet]| outlets.iter().map(info).collect::<Result<Vec<_>, _>>();
        let (inputs, outputs) = (all(inner.inputs())?, all(inner.outputs())?);
        let options = RunOptions::new().map_err(|error| EngineError::Model(error.to_string()))?;
        Ok(Self { inner, inputs, outputs, options: Arc::new(Options(options)) })
    }
}

impl Session for OnnxSession {
    fn inputs(&self) -> &[TensorInfo] {
        &self.inputs
    }

    fn outputs(&self) -> &[TensorInfo] {
        &self.outputs
    }

    fn run(&mut self, inputs: &[(&str, &Tensor)]) -> Result<Vec<Named>, EngineError> {
        let failed = |error: ort::Error| EngineError::Run(error.to_string());
        self.options.0.unterminate().map_err(failed)?;
        let mut values: Vec<(Cow<'_, str>, SessionInputValue<'_>)> = Vec::with_capacity(inputs.len());
        for (name, tensor) in inputs {
            values.push((Cow::Borrowed(name), values::input(tensor).map_err(EngineError::Run)?));
        }
        let outputs = self.inner.run_with_options(values, &self.options.0).map_err(failed)?;
        let mut named = Vec::with_capacity(self.outputs.len());
        for info in &self.outputs {
            let value = outputs.get(&info.name);
            let value =
                value.ok_or_else(|| EngineError::Run(format!("output `{}` is missing", info.name)))?;
            let tensor = values::output(value)
                .map_err(|what| EngineError::Run(format!("output `{}` {what}", info.name)))?;
            named.push((info.name.clone(), tensor));
        }
        Ok(named)
    }

    fn stopper(&self) -> Arc<dyn Stop> {
        Arc::clone(&self.options) as Arc<dyn Stop>
    }
}

impl Stop for Options {
    fn stop(&self) {
        if let Err(error) = self.0.terminate() {
            tracing::warn!(%error, "a run cannot be stopped");
        }
    }
}

fn info(outlet: &Outlet) -> Result<TensorInfo, EngineError> {
    let ValueType::Tensor { ty, shape, .. } = outlet.dtype() else {
        return Err(EngineError::Model(format!("`{}` is no tensor, which is not supported", outlet.name())));
    };
    let element_type = values::element_type(*ty).ok_or_else(|| {
        EngineError::Model(format!(
            "`{}` has elements of the type {ty}, which is not supported",
            outlet.name()
        ))
    })?;
    let shape = shape.iter().map(|side| usize::try_from(*side).ok()).collect();
    Ok(TensorInfo { name: outlet.name().to_owned(), element_type, shape: Some(shape) })
}
