//! Whether the time of a refusal tells how much of a guessed token was right: refusals of a token whose first character
//! is wrong, against those of one whose last is, in turn over one connection.

use std::time::Instant;

use anyhow::Context as _;
use ktk_client::api::{
    Token,
    token::{Role, TokenSpec},
};
use tokio::net::UnixStream;

use crate::{
    call::{exchange, request},
    support::{
        Server,
        sample::{Sample, difference, heading, tail_line},
    },
};

/// Of each kind.
const GUESSES: usize = 10_000;

const WARM: usize = 500;

pub async fn run() -> anyhow::Result<()> {
    heading("refusals of wrong tokens, in turn over one connection", "nothing is written");
    let server = Server::start(&["--request-rate", "1000000"]).await?;
    let spec = TokenSpec { role: Role::Viewer, ..TokenSpec::default() };
    let issued = server.client.tokens().create(&Token::new("bench", spec)).await?;
    let token = issued.token.context("a new token")?;
    let first = with_another(token.expose(), 0)?;
    let last = with_another(token.expose(), token.expose().len() - 1)?;
    let mut stream = UnixStream::connect(server.dir.path().join("bench.sock")).await?;
    let guesses = [request("localhost", Some(&first)), request("localhost", Some(&last))];
    let mut samples: [Sample; 2] = Default::default();
    for round in 0..WARM + GUESSES {
        // Neither is always the second of a pair.
        for kind in [round % 2, 1 - round % 2] {
            let begun = Instant::now();
            let status = exchange(&mut stream, &guesses[kind]).await?;
            anyhow::ensure!(status == 401, "a guess was answered with {status}");
            if round >= WARM {
                samples[kind].push(begun.elapsed().as_secs_f64() * 1e6);
            }
        }
    }
    tail_line("the first character is wrong", "us", &samples[0]);
    tail_line("the last character is wrong", "us", &samples[1]);
    difference("of medians, in standard errors (goal: below 3)", &samples[0], &samples[1]);
    server.stop().await
}

/// The token with another character at this place.
fn with_another(token: &str, place: usize) -> anyhow::Result<String> {
    let mut bytes = token.as_bytes().to_vec();
    bytes[place] = if bytes[place] == b'x' { b'y' } else { b'x' };
    Ok(String::from_utf8(bytes)?)
}
