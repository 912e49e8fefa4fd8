//! Letting a model take inputs of other sizes than those that were written down when it was exported.

use prost::Message as _;

use super::{ConvertError, graph::read};
use crate::onnx::{Dimension, ValueInfoProto, dimension, type_proto};

/// Makes sides of every input and output free: `inputs` and `outputs` are the axes. Whether the graph between them
/// can do with other sizes is not looked at; shapes that were noted for values in between are dropped.
pub fn free(file: &[u8], inputs: &[usize], outputs: &[usize]) -> Result<Vec<u8>, ConvertError> {
    let (mut model, mut graph) = read(file)?;
    for input in &mut graph.input {
        free_sides(input, inputs)?;
    }
    for output in &mut graph.output {
        free_sides(output, outputs)?;
    }
    graph.value_info.clear();
    model.graph = Some(graph);
    Ok(model.encode_to_vec())
}

fn free_sides(info: &mut ValueInfoProto, axes: &[usize]) -> Result<(), ConvertError> {
    let name = info.name.clone();
    let no_tensor = || ConvertError::malformed(format!("`{name}` has no shape with the sides {axes:?}"));
    let Some(type_proto::Value::TensorType(tensor)) =
        info.r#type.as_mut().and_then(|kind| kind.value.as_mut())
    else {
        return Err(no_tensor());
    };
    let sides = &mut tensor.shape.as_mut().ok_or_else(no_tensor)?.dim;
    for &axis in axes {
        let side: &mut Dimension = sides.get_mut(axis).ok_or_else(no_tensor)?;
        // Names tell sides apart that are not the same; the number of images is the same everywhere.
        let word = if axis == 0 { "batch".to_owned() } else { format!("{name}_{axis}") };
        side.value = Some(dimension::Value::DimParam(word));
    }
    Ok(())
}
