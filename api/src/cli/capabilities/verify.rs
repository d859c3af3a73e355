//! `pml capabilities verify`: who vouches for a capability.

use std::io::{self, Write};

use super::super::{
    backend::Backend,
    exit::{Exit, Failure},
    output::{self, Format},
};
use super::note_all;
use crate::wire::capabilities::{VerifyAnswer, VerifyBody};

/// Which capability, and what to check it with.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// Its id or name
    reference: String,
    /// Ed25519 public key: 32 bytes in base64
    #[arg(long, value_name = "BASE64")]
    public_key: Option<String>,
    /// Ed25519 signature of the text that --message prints: 64 bytes in base64 [default: the stored one]
    #[arg(long, value_name = "BASE64", requires = "public_key")]
    signature: Option<String>,
    /// Print only the text to sign, without a line end behind it
    #[arg(long, conflicts_with_all = ["json", "public_key"])]
    message: bool,
    #[command(flatten)]
    format: Format,
}

/// Checks it, and says what was found.
///
/// # Errors
/// [`Failure`] when a signature is not good, or there is no such capability.
pub async fn run(backend: &Backend, args: VerifyArgs) -> Result<(), Failure> {
    let body = VerifyBody {
        reference: args.reference,
        public_key: args.public_key,
        signature: args.signature,
    };
    let answer = backend.verify_capability(body).await?;
    note_all(&answer.warnings);
    if args.message {
        let _ = write!(io::stdout(), "{}", answer.message);
        let _ = io::stdout().flush();
        return Ok(());
    }
    args.format.print(&answer, found)?;
    if answer.valid == Some(false) {
        return Err(Failure::new(
            Exit::Other,
            "the stored signature is not one of this code under this name by that key",
        ));
    }
    Ok(())
}

fn found(answer: &VerifyAnswer) -> String {
    let yes_or_no = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    output::table(
        ["field", "value"],
        [
            ["capability".to_owned(), answer.fqdn.clone()],
            ["code hash".to_owned(), answer.code_hash.clone()],
            ["text to sign".to_owned(), answer.message.clone()],
            ["signed".to_owned(), yes_or_no(answer.signed)],
            [
                "signature is good".to_owned(),
                answer
                    .valid
                    .map_or_else(|| "not checked".to_owned(), yes_or_no),
            ],
            ["verified".to_owned(), yes_or_no(answer.verified)],
        ],
    )
}
