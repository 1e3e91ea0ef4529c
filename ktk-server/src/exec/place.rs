//! The files of an attempt: what it is given, where it writes its outputs, where it runs.
//!
//! Names come from ids alone. What most attempts do not need costs no file: empty inputs and
//! needs are one shared file, the output exists once somebody writes it.

use std::{
    fs,
    io::{self, Read as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use ktk_client::api::worker::Grant;
use serde::Serialize;

use crate::limits;

/// The directories below the data directory that processes see.
#[derive(Clone, Debug)]
pub struct Places {
    /// `KTK_DIR` of every owner.
    work: PathBuf,
    /// Files of running attempts.
    attempts: PathBuf,
}

/// The files of one attempt. What is left of them goes when this is dropped.
#[derive(Debug)]
pub struct Place {
    pub inputs: PathBuf,
    pub needs: PathBuf,
    pub output: PathBuf,
    pub shared: PathBuf,
    /// Where the process runs.
    pub dir: PathBuf,
    own: Vec<PathBuf>,
    own_dir: Option<PathBuf>,
}

fn private_dir(path: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => result,
    }
}

fn private_file<V: Serialize>(path: &Path, value: &V) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    let file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32)
        .open(path)?;
    serde_json::to_writer(io::BufWriter::new(file), value)?;
    Ok(())
}

impl Places {
    /// Makes the directories; what an earlier server left of attempts is removed.
    ///
    /// # Errors
    /// When the data directory cannot be written.
    pub fn open(data_dir: &Path) -> io::Result<Self> {
        let places = Self { work: data_dir.join("work"), attempts: data_dir.join("attempts") };
        private_dir(&places.work)?;
        match fs::remove_dir_all(&places.attempts) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        private_dir(&places.attempts)?;
        private_file(&places.attempts.join("empty.json"), &serde_json::json!({}))?;
        Ok(places)
    }

    /// Where the directories of owners are.
    pub fn work(&self) -> &Path {
        &self.work
    }

    /// Who has a directory.
    ///
    /// # Errors
    /// When the data directory cannot be read.
    pub fn owners(&self) -> io::Result<Vec<uuid::Uuid>> {
        let mut owners = Vec::new();
        for entry in fs::read_dir(&self.work)? {
            owners.extend(entry?.file_name().to_str().and_then(|name| name.parse::<uuid::Uuid>().ok()));
        }
        Ok(owners)
    }

    /// Removes the directory of an owner that is gone.
    pub fn remove(&self, owner: uuid::Uuid) {
        let path = self.work.join(owner.to_string());
        if let Err(error) = fs::remove_dir_all(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %path.display(), %error, "a directory of a deleted task stays");
        }
    }

    /// Makes the files of an attempt.
    ///
    /// # Errors
    /// When the data directory cannot be written.
    pub fn prepare(&self, grant: &Grant) -> io::Result<Place> {
        let stem = format!("{}.{}.{}", grant.task, grant.attempt, grant.fence.counter);
        let own = |suffix: &str| self.attempts.join(format!("{stem}.{suffix}"));
        let mut place = Place {
            inputs: self.attempts.join("empty.json"),
            needs: self.attempts.join("empty.json"),
            output: own("output"),
            shared: self.work.join(grant.directory_owner.to_string()),
            dir: PathBuf::new(),
            own: vec![own("output")],
            own_dir: None,
        };
        private_dir(&place.shared)?;
        if !grant.inputs.is_empty() {
            place.inputs = own("inputs.json");
            place.own.push(place.inputs.clone());
            private_file(&place.inputs, &grant.inputs)?;
        }
        if !grant.needs.is_empty() {
            place.needs = own("needs.json");
            place.own.push(place.needs.clone());
            private_file(&place.needs, &grant.needs)?;
        }
        match grant.run.as_ref().and_then(|run| run.working_dir.as_ref()) {
            Some(dir) => place.dir = PathBuf::from(dir),
            None => {
                place.dir = own("dir");
                place.own_dir = Some(place.dir.clone());
                private_dir(&place.dir)?;
            }
        }
        Ok(place)
    }
}

impl Place {
    /// What the process wrote as its outputs; `None` where it wrote nothing.
    ///
    /// # Errors
    /// When it is no regular file, is too large, or cannot be read.
    pub fn output_text(&self) -> io::Result<Option<Vec<u8>>> {
        let mut options = fs::OpenOptions::new();
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        let file = match options.read(true).custom_flags(flags.bits() as i32).open(&self.output) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            result => result?,
        };
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("KTK_OUTPUT is no regular file any more"));
        }
        let mut text = Vec::new();
        file.take(limits::VALUES_BYTES as u64 + 1).read_to_end(&mut text)?;
        if text.len() > limits::VALUES_BYTES {
            return Err(io::Error::other(format!("KTK_OUTPUT has more than {} bytes", limits::VALUES_BYTES)));
        }
        Ok((!text.is_empty()).then_some(text))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for path in &self.own {
            // Most were never made.
            let _ = fs::remove_file(path);
        }
        if let Some(dir) = &self.own_dir {
            let _ = fs::remove_dir_all(dir);
        }
    }
}
