//! What a thread does with the requests that it took.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Answer, Ask, Request, Shop, reply::Reply, watch};
use crate::{
    InferenceError,
    engine::Session,
    image,
    load::Signature,
    tensor::{Named, Tensor},
};

/// Why a thread stopped taking requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// There will be no more.
    Closed,
    /// The engine panicked: its session is not to be trusted any more.
    Crashed,
}

/// Inputs in the order of the model's, and who wants the outputs.
struct Fitting {
    inputs: Vec<Tensor>,
    reply: Reply,
}

pub(super) fn until_crash(
    shop: &Shop,
    session: &mut dyn Session,
    signature: &std::sync::Arc<Signature>,
) -> End {
    let mut worker = Worker { shop, session, signature, most: signature.batch };
    while let Some(requests) = shop.queue.take(worker.most) {
        let mut fitting = Vec::with_capacity(requests.len());
        for Request { ask, reply } in requests {
            let inputs = match ask {
                Ask::Ready => {
                    reply.send(Ok(Answer::Ready(std::sync::Arc::clone(signature))));
                    continue;
                }
                Ask::Tensors(inputs) => in_order(inputs, signature),
                Ask::Image((name, tensor)) => {
                    cast(tensor, signature, &name).and_then(|t| in_order(vec![(name, t)], signature))
                }
            };
            match inputs {
                Ok(inputs) => fitting.push(Fitting { inputs, reply }),
                Err(what) => reply.send(Err(InferenceError::BadInput(what))),
            }
        }
        if worker.all(fitting) == Ran::Crashed {
            return End::Crashed;
        }
    }
    End::Closed
}

/// The image's tensor in the kind that the model takes.
fn cast(tensor: Tensor, signature: &Signature, name: &str) -> Result<Tensor, String> {
    let kind = signature.inputs.iter().find(|info| info.name == name).map(|info| info.element_type);
    let (shape, data) = tensor.into_parts();
    let data = image::cast(data, kind.ok_or_else(|| format!("there is no input `{name}`"))?)?;
    Tensor::new(shape, data).ok_or_else(|| "an image changed its size".to_owned())
}

/// The inputs in the order of the model's, each once, each fitting.
fn in_order(mut given: Vec<Named>, signature: &Signature) -> Result<Vec<Tensor>, String> {
    let mut inputs = Vec::with_capacity(signature.inputs.len());
    for info in &signature.inputs {
        let at = given.iter().position(|(name, _)| *name == info.name);
        let (_, tensor) = given.swap_remove(at.ok_or_else(|| format!("input `{}` is missing", info.name))?);
        info.check(&tensor)?;
        inputs.push(tensor);
    }
    match given.first() {
        Some((name, _)) if signature.inputs.iter().any(|info| info.name == *name) => {
            Err(format!("input `{name}` is given twice"))
        }
        Some((name, _)) => Err(format!("there is no input `{name}`")),
        None => Ok(inputs),
    }
}

struct Worker<'a> {
    shop: &'a Shop,
    session: &'a mut dyn Session,
    signature: &'a Signature,
    /// Requests that share a run; 1 once the model turned out not to keep them apart.
    most: usize,
}

/// How a run ended, as far as the thread is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ran {
    /// Its session can be used on.
    Fine,
    Crashed,
}

impl Worker<'_> {
    /// Together where that works, else one after the other: what is wrong with one request is no other's business.
    fn all(&mut self, requests: Vec<Fitting>) -> Ran {
        if requests.len() > 1 {
            if let Some((inputs, rows)) = stacked(&requests) {
                match self.run(&inputs, &requests) {
                    Outcome::Outputs(outputs) => match apart(outputs, &rows) {
                        Some(answers) => return answer(requests, answers),
                        // Its outputs have no row for each input: a batch is no batch to it.
                        None => self.most = 1,
                    },
                    Outcome::Late => return Ran::Fine,
                    Outcome::Failed(_) => {}
                    Outcome::Crashed(error) => return fail(&requests, &error),
                }
            }
        }
        let mut requests = requests.into_iter();
        while let Some(request) = requests.next() {
            if request.reply.is_abandoned() {
                continue;
            }
            match self.run(&request.inputs, std::slice::from_ref(&request)) {
                Outcome::Outputs(outputs) => request.reply.send(Ok(Answer::Tensors(outputs))),
                Outcome::Late => {}
                Outcome::Failed(error) => request.reply.send(Err(error)),
                Outcome::Crashed(error) => {
                    request.reply.send(Err(error.clone()));
                    return fail(requests.as_slice(), &error);
                }
            }
        }
        Ran::Fine
    }

    fn run(&mut self, inputs: &[Tensor], requests: &[Fitting]) -> Outcome {
        let failed = |detail: String| InferenceError::Failed { model: self.shop.loader.id.clone(), detail };
        let named: Vec<(&str, &Tensor)> =
            self.signature.inputs.iter().map(|info| info.name.as_str()).zip(inputs).collect();
        let watched = self.shop.watch.over(watch::Run {
            model: self.shop.loader.id.clone(),
            allowed: self.shop.run_time,
            stop: self.session.stopper(),
            replies: requests.iter().map(|request| request.reply.clone()).collect(),
        });
        let outcome = catch_unwind(AssertUnwindSafe(|| self.session.run(&named)));
        match outcome {
            Err(_) => Outcome::Crashed(failed("the engine crashed".to_owned())),
            Ok(_) if watched.is_late() => Outcome::Late,
            Ok(Ok(outputs)) => Outcome::Outputs(outputs),
            Ok(Err(error)) => Outcome::Failed(failed(error.to_string())),
        }
    }
}

/// What became of one run.
enum Outcome {
    Outputs(Vec<Named>),
    /// The callers have been told.
    Late,
    Failed(InferenceError),
    Crashed(InferenceError),
}

/// All requests as one, with the rows of each; `None` where they cannot share a run.
fn stacked(requests: &[Fitting]) -> Option<(Vec<Tensor>, Vec<usize>)> {
    let rows: Vec<usize> =
        requests.iter().map(|request| request.inputs.first()?.rows()).collect::<Option<_>>()?;
    let even =
        |(request, rows): (&Fitting, &usize)| request.inputs.iter().all(|input| input.rows() == Some(*rows));
    if !requests.iter().zip(&rows).all(even) {
        return None;
    }
    let inputs = requests.first()?.inputs.len();
    let stack = |i| Tensor::stack(requests.iter().map(move |request| &request.inputs[i]));
    Some(((0..inputs).map(stack).collect::<Option<_>>()?, rows))
}

/// The outputs of each request; `None` where an output has not one row for each row of the inputs.
fn apart(outputs: Vec<Named>, rows: &[usize]) -> Option<Vec<Vec<Named>>> {
    let mut answers = vec![Vec::with_capacity(outputs.len()); rows.len()];
    for (name, tensor) in outputs {
        for (answer, part) in answers.iter_mut().zip(tensor.unstack(rows)?) {
            answer.push((name.clone(), part));
        }
    }
    Some(answers)
}

fn answer(requests: Vec<Fitting>, answers: Vec<Vec<Named>>) -> Ran {
    for (request, answer) in requests.into_iter().zip(answers) {
        request.reply.send(Ok(Answer::Tensors(answer)));
    }
    Ran::Fine
}

fn fail(requests: &[Fitting], error: &InferenceError) -> Ran {
    for request in requests {
        request.reply.send(Err(error.clone()));
    }
    Ran::Crashed
}
