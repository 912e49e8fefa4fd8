//! When two questions are the same question: the keys of the result cache.

use darkroom_core::{BlobId, Operation, job::Owner, store::CacheKey};
use darkroom_inference::Model;
use sha2::{Digest, Sha256};

use crate::settings;

settings! {
    /// The result cache: what was worked out once for an owner is not worked out again.
    pub struct CacheConfig in "cache" {
        /// Whether results are remembered and recalled.
        enabled: bool = true,
    }
}

/// Stands for the code that decodes, scales, encodes and prepares pixels: no result outlives the version that made it.
const CODE: &str = env!("CARGO_PKG_VERSION");

/// The key of a result. The owner is part of it: nobody learns from a quick answer, or from a result that says it was
/// remembered, that somebody else has had the same image; and what a user deletes is not kept for others.
pub(crate) fn key(owner: &Owner, input: BlobId, operation: &Operation, model: Option<&Model>) -> CacheKey {
    let operation = canonical(operation);
    let model: &[u8] = model.map_or(&[], |model| model.fingerprint());
    let mut digest = Sha256::new();
    // Each part after its length: no two lists of parts are the same bytes.
    for part in [CODE.as_bytes(), owner.as_str().as_bytes(), input.as_bytes(), &operation, model] {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    CacheKey::from_bytes(digest.finalize().into())
}

/// An operation with its parameters, but for what its results are called.
fn canonical(operation: &Operation) -> Vec<u8> {
    let mut value = serde_json::to_value(operation).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        fields.remove("name");
    }
    serde_json::to_vec(&value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use darkroom_core::operation::{Classify, Thumbnail, Top};

    use super::*;

    fn of(owner: &str, image: &[u8], operation: &Operation) -> CacheKey {
        key(&owner.parse().unwrap(), BlobId::of(image), operation, None)
    }

    #[test]
    fn a_key_depends_on_everything_that_a_result_depends_on_and_on_nothing_else() {
        let thumbnail = |side| Thumbnail::fit(side, side);
        let base = of("ann", b"a", &Operation::Thumbnail(thumbnail(64)));
        let named = Thumbnail { name: Some("cover".to_owned()), ..thumbnail(64) };
        assert_eq!(base, of("ann", b"a", &Operation::Thumbnail(named)));
        let top = Classify { top: Top::ONE, ..Classify::default() };
        let others = [
            of("bob", b"a", &Operation::Thumbnail(thumbnail(64))),
            of("ann", b"b", &Operation::Thumbnail(thumbnail(64))),
            of("ann", b"a", &Operation::Thumbnail(thumbnail(65))),
            of("ann", b"a", &Operation::Classify(Classify::default())),
            of("ann", b"a", &Operation::Classify(top)),
        ];
        let different: std::collections::BTreeSet<_> = others.into_iter().chain([base]).collect();
        assert_eq!(different.len(), 6);
    }
}
