//! Signed addresses: whoever has one may download one artifact until it expires, without credentials.

use std::{fmt, fs, io, path::Path, time::Duration};

use axum::{
    Json,
    extract::{Request, State},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use darkroom_api::{Code, SignRequest, Signed, job::escape_segment};
use darkroom_core::Timestamp;
use hmac::{Hmac, Mac, digest::KeyInit};
use sha2::Sha256;

use super::{
    Http, artifacts,
    body::Incoming,
    caller::Caller,
    disposition::Disposition,
    failure::Failure,
    intake::{content_type, media_type, read_json},
    query::Query,
};
use crate::disk;

/// How long an address works unless the client says otherwise.
const DEFAULT_SECONDS: u32 = 3_600;

/// The longest time that an address may work: a week.
const MAX_SECONDS: u32 = 604_800;

/// Bytes of a request to sign.
const MAX_BODY: usize = 16 << 10;

/// The secret that addresses are signed with.
#[derive(Clone)]
pub struct SigningKey([u8; 32]);

impl SigningKey {
    /// A key from bytes.
    pub fn from_bytes(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The key in this file, which is made with a random one if it is missing. Only its owner can read it.
    pub fn load_or_create(path: &Path) -> io::Result<Self> {
        let kept = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read?,
        };
        // An empty file is what a loss of power left of the first start of an older version: nothing was signed yet.
        if kept.is_empty() {
            let key: [u8; 32] = rand::random();
            disk::write(path, &key, 0o600)?;
            return Ok(Self(key));
        }
        let key = kept.try_into().map(Self);
        key.map_err(|_| io::Error::other("the signing key is not 32 bytes; remove it to get a new one"))
    }

    /// HMAC-SHA256 (RFC 2104) over what the address promises. The parts cannot run into each other: an id has no
    /// line break.
    fn mac(&self, job: &str, artifact: &str, expires: i64) -> Hmac<Sha256> {
        // A key that is shorter than a block is filled with zeros (RFC 2104, 2), here so that nothing can fail.
        let mut block = [0; 64];
        block[..32].copy_from_slice(&self.0);
        let mut mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
        mac.update(format!("artifact\n{job}\n{expires}\n{artifact}").as_bytes());
        mac
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(hidden)")
    }
}

/// Makes a temporary address.
pub(super) async fn sign(
    State(http): State<Http>,
    caller: Caller,
    request: Request,
) -> Result<Json<Signed>, Failure> {
    let (head, body) = request.into_parts();
    let kind = media_type(&content_type(&head.headers));
    if kind != "application/json" {
        return Err(Failure::new(Code::UnsupportedMediaType, "Send application/json."));
    }
    let mut body = Incoming::new(body, http.config.body_timeout);
    let request: SignRequest = read_json(&mut body, MAX_BODY).await?;
    let seconds = request.expires_in.unwrap_or(DEFAULT_SECONDS);
    if !(1..=MAX_SECONDS).contains(&seconds) {
        let what = format!("`expires_in` is 1 to {MAX_SECONDS} seconds.");
        return Err(Failure::new(Code::InvalidJob, what));
    }
    let job = http.job_of(&caller, &request.job).await?;
    artifacts::find(&job, &request.artifact, Disposition::Inline)
        .ok_or_else(|| Failure::plain(Code::ArtifactNotFound))?;
    let expires = (http.now() + Duration::from_secs(u64::from(seconds))).as_millis() / 1_000;
    let id = job.id.to_string();
    let signature = http.signing_key.mac(&id, &request.artifact, expires).finalize().into_bytes();
    let signature = URL_SAFE_NO_PAD.encode(signature);
    let name = escape_segment(&request.artifact);
    Ok(Json(Signed {
        url: format!("/v1/jobs/{id}/artifacts/{name}?expires={expires}&signature={signature}"),
        expires_at: Timestamp::from_millis(expires * 1_000).into(),
    }))
}

/// Takes the signature out of the query, and refuses one that is wrong or too old. Whether there is one.
pub(super) fn verify(http: &Http, query: &mut Query, id: &str, name: &str) -> Result<bool, Failure> {
    let (expires, signature) = match (query.parse::<i64>("expires")?, query.take("signature")) {
        (None, None) => return Ok(false),
        (Some(expires), Some(signature)) => (expires, signature),
        _ => return Err(Failure::plain(Code::SignatureInvalid)),
    };
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
    // Compared in constant time.
    let genuine = http.signing_key.mac(id, name, expires).verify_slice(&signature);
    genuine.map_err(|_| Failure::plain(Code::SignatureInvalid))?;
    if http.now().as_millis() / 1_000 >= expires {
        return Err(Failure::plain(Code::SignatureExpired));
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_start_that_was_cut_by_a_loss_of_power_keeps_no_later_one_from_starting() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("signing.key");
        // The name was on the disk, the key was not.
        fs::write(&path, b"").unwrap();
        let made = SigningKey::load_or_create(&path).unwrap();
        assert_eq!(SigningKey::load_or_create(&path).unwrap().0, made.0);
        assert_eq!(fs::read(&path).unwrap(), made.0);
        // Half a key may have signed something: that is for people to decide.
        fs::write(&path, &made.0[..16]).unwrap();
        assert!(SigningKey::load_or_create(&path).is_err());
    }
}
