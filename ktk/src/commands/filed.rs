//! Objects that manifests name, for verbs that act on what is there: `-f FILE` where a name could stand.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::{
    bulk::Chosen,
    manifests::{self, FileFlags},
    selection::Named,
};
use crate::{context::Context, error::CliError, kinds::Kind};

/// Flags that name objects by their manifests.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ManifestFlags {
    /// The objects that these manifests name: file, directory, or - for standard input; repeatable
    #[arg(short, long = "filename", value_name = "PATH", value_delimiter = ',', value_hint = ValueHint::AnyPath)]
    filenames: Vec<PathBuf>,

    /// With -f: directories inside directories too
    #[arg(short = 'R', long, requires = "filenames")]
    recursive: bool,
}

impl ManifestFlags {
    /// Whether manifests were named.
    pub(crate) fn is_given(&self) -> bool {
        !self.filenames.is_empty()
    }

    /// The objects, in the order of the manifests, each in the namespace that is said there.
    ///
    /// # Errors
    /// Where a manifest cannot be read, or has no name.
    pub(crate) async fn objects(&self, cx: &Context) -> Result<Vec<Chosen>, CliError> {
        let files = FileFlags::of(self.filenames.clone(), self.recursive);
        let mut documents = manifests::read(&files, "find", cx).await?;
        manifests::complete(&mut documents, None, cx)?;
        let chosen = |document: &ktk_client::manifest::Document| {
            let metadata = document.value.metadata();
            let Some(name) = metadata.name.clone() else {
                let place = format!("{}:{}", document.source, document.line);
                return Err(CliError::usage(format!(
                    "{place}: this manifest has no name: it names no object"
                )));
            };
            let named = Named { kind: Kind::parse(document.value.kind(), "get")?, name };
            Ok(Chosen { named, namespace: metadata.namespace().to_owned() })
        };
        documents.iter().map(chosen).collect()
    }
}

/// Manifests and other ways to name objects at once.
pub(crate) fn beside_words() -> CliError {
    CliError::usage(
        "when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well",
    )
}
