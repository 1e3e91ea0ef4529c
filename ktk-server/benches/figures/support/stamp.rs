//! A program that says when its `main` began: a small one, so that its own start is that of an ordinary program.

use std::{
    io::Write as _,
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::Context as _;

/// One datagram to the socket that is named, then its end.
const SOURCE: &str = r#"
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
int main(int count, char **words) {
    struct sockaddr_un address = {AF_UNIX};
    if (count != 2 || strlen(words[1]) >= sizeof address.sun_path) return 2;
    strcpy(address.sun_path, words[1]);
    int stamp = socket(AF_UNIX, SOCK_DGRAM, 0);
    return sendto(stamp, ".", 1, 0, (struct sockaddr *)&address, sizeof address) != 1;
}
"#;

/// Where stamps arrive.
pub struct Stamps {
    socket: UnixDatagram,
    path: PathBuf,
    program: PathBuf,
}

impl Stamps {
    /// Listens in a directory, and builds the program there by the C compiler that builds SQLite.
    pub fn listen(dir: &Path) -> anyhow::Result<Self> {
        let (path, program) = (dir.join("stamp.sock"), dir.join("stamp"));
        let socket = UnixDatagram::bind(&path)?;
        socket.set_read_timeout(Some(Duration::from_secs(20)))?;
        let mut compiler = Command::new("cc")
            .args(["-O2", "-x", "c", "-", "-o"])
            .arg(&program)
            .stdin(Stdio::piped())
            .spawn()
            .context("cc, the C compiler")?;
        compiler.stdin.take().context("cc has an input")?.write_all(SOURCE.as_bytes())?;
        anyhow::ensure!(compiler.wait()?.success(), "cc could not build the program");
        Ok(Self { socket, path, program })
    }

    /// The command that sends one.
    pub fn command(&self) -> [String; 2] {
        [&self.program, &self.path].map(|path| path.display().to_string())
    }

    /// Waits for the next.
    pub fn next(&self) -> anyhow::Result<Instant> {
        self.socket.recv(&mut [0; 8])?;
        Ok(Instant::now())
    }
}
