//! Files of contexts: merged, changed where they are written, kept to their user.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use super::*;
use crate::api::Secret;

fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("closed");
}

fn of(paths: &[PathBuf]) -> Result<Config, ConfigError> {
    Config::of(paths.to_vec())
}

#[test]
fn files_are_merged_and_the_first_wins() {
    let place = tempfile::tempdir().expect("a directory");
    let paths = ["a.yaml", "none.yaml", "b.yaml"].map(|name| place.path().join(name));
    write(&paths[0], "contexts:\n- {name: x, server: 'https://one'}\n");
    write(
        &paths[2],
        "apiVersion: ktk/v1\nkind: Config\ncurrentContext: y\ncontexts:\n- {name: x, server: 'https://two'}\n\
         - {name: y, server: 'https://three', namespace: ci, token: hush}\n",
    );
    let mut config = of(&paths).expect("readable");
    let names: Vec<_> = config.contexts().iter().map(|context| context.name.clone()).collect();
    assert_eq!((names, config.current()), (vec!["x".to_owned(), "y".to_owned()], Some("y")));
    let server = |config: &Config, name| {
        config.choose(name).expect("it is there").and_then(|context| context.server.clone())
    };
    assert_eq!(server(&config, Some("x")).as_deref(), Some("https://one"));
    assert_eq!(server(&config, None).as_deref(), Some("https://three"));
    assert!(matches!(config.choose(Some("z")), Err(ConfigError::NoContext(name)) if name == "z"));
    let new = Context { name: "y".into(), server: Some("https://four".into()), ..Context::default() };
    assert_eq!(config.put(new).expect("written"), paths[2]);
    let new = Context { name: "z".into(), token: Some(Secret::new("hush")), ..Context::default() };
    assert_eq!(config.put(new).expect("written"), paths[0]);
    let config = of(&paths).expect("readable");
    assert_eq!((config.contexts().len(), config.current()), (3, Some("z")));
    assert_eq!(server(&config, Some("y")).as_deref(), Some("https://four"));
    assert!(!paths[1].exists());
}

#[test]
fn what_others_can_read_holds_no_token() {
    let place = tempfile::tempdir().expect("a directory");
    let path = place.path().join("c.yaml");
    write(&path, "contexts:\n- {name: x, token: hush}\n");
    assert!(!format!("{:?}", of(std::slice::from_ref(&path)).expect("readable")).contains("hush"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("opened");
    let error = of(std::slice::from_ref(&path)).expect_err("open to others").to_string();
    assert!(error.contains("chmod 600") && !error.contains("hush"), "{error}");
    write(&path, "contexts:\n- {name: x, tokem: hush}\n");
    let error = of(std::slice::from_ref(&path)).expect_err("no field").to_string();
    assert!(error.contains("c.yaml") && error.contains("tokem") && !error.contains("hush"), "{error}");
}

#[test]
fn a_new_file_is_this_user_s_alone() {
    let place = tempfile::tempdir().expect("a directory");
    let path = place.path().join("ktk/config.yaml");
    let mut config = of(std::slice::from_ref(&path)).expect("missing is empty");
    config.put(Context { name: "x".into(), ..Context::default() }).expect("written");
    assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
}

#[test]
fn what_changes_is_written_where_it_was_and_the_rest_stays() {
    let place = tempfile::tempdir().expect("a directory");
    let paths = ["a.yaml", "b.yaml"].map(|name| place.path().join(name));
    write(&paths[0], "currentContext: x\ncontexts:\n- {name: x, namespace: one, token: hush}\n");
    write(&paths[1], "contexts:\n- {name: x, namespace: two}\n- {name: y, tokenFile: y.token}\n");
    let second = fs::read_to_string(&paths[1]).expect("it is there");
    let mut config = of(&paths).expect("readable");
    assert!(!config.set("x", |context| context.namespace = Some("ci".into())).expect("written"));
    assert_eq!(fs::read_to_string(&paths[1]).expect("it is there"), second, "the other file is left alone");
    let x = config.choose(Some("x")).expect("it is there").expect("it is one").clone();
    assert_eq!((x.namespace.as_deref(), x.token.is_some()), (Some("ci"), true));
    assert!(config.set("z", |context| context.protected = true).expect("written"));
    config.rename("x", "z").expect_err("there is a z");
    config.rename("z", "w").expect("renamed");
    config.rename("x", "new").expect("renamed");
    assert_eq!(config.current(), Some("new"));
    assert_eq!(config.file_of("x"), Some(&*paths[1]), "the second of the name shows once the first has gone");
    assert_eq!(config.remove("y").expect("removed"), paths[1]);
    assert!(matches!(config.remove("y"), Err(ConfigError::NoContext(name)) if name == "y"));
    assert!(matches!(config.set_current(Some("y")), Err(ConfigError::NoContext(name)) if name == "y"));
    config.set_current(Some(LOCAL)).expect("there is always this machine");
    assert_eq!(of(&paths).expect("readable").current(), Some(LOCAL));
    assert_eq!(config.choose(None).expect("no error"), None);
}

#[test]
fn paths_are_relative_to_their_file() {
    let place = tempfile::tempdir().expect("a directory");
    let path = place.path().join("config.yaml");
    write(&path, "contexts:\n- {name: x, tokenFile: keys/x, certificateAuthority: /etc/ca.pem}\n");
    fs::create_dir(place.path().join("keys")).expect("a directory");
    fs::write(place.path().join("keys/x"), "hush\n").expect("written");
    let mut config = of(std::slice::from_ref(&path)).expect("readable");
    let x = config.choose(Some("x")).expect("it is there").expect("it is one");
    assert_eq!(x.secret().expect("a file").expect("a token").expose(), "hush");
    config.set("x", |context| context.protected = true).expect("written");
    let text = fs::read_to_string(&path).expect("it is there");
    assert!(text.contains("tokenFile: keys/x") && text.contains("/etc/ca.pem"), "{text}");
    fs::remove_file(place.path().join("keys/x")).expect("removed");
    let x = config.choose(Some("x")).expect("it is there").expect("it is one");
    assert!(x.secret().expect_err("no file").to_string().contains("keys/x"));
}

#[test]
fn what_cannot_be_read_is_named_with_its_line_and_not_written() {
    let place = tempfile::tempdir().expect("a directory");
    let path = place.path().join("config.yaml");
    let broken = "contexts:\n- name: x\n  namespace: [\n";
    write(&path, "contexts:\n- {name: x}\n");
    let mut config = of(std::slice::from_ref(&path)).expect("readable");
    write(&path, broken);
    for error in [
        of(std::slice::from_ref(&path)).expect_err("broken"),
        config.set("y", |_| {}).expect_err("broken since it was read"),
    ] {
        let error = error.to_string();
        assert!(error.contains("config.yaml") && error.contains("line"), "{error}");
    }
    assert_eq!(fs::read_to_string(&path).expect("it is there"), broken);
}

#[test]
fn two_at_once_lose_nothing() {
    let place = tempfile::tempdir().expect("a directory");
    let path = place.path().join("ktk/config.yaml");
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let path = path.clone();
            scope.spawn(move || {
                for number in 0..10 {
                    let mut config = of(std::slice::from_ref(&path)).expect("readable");
                    assert!(config.set(&format!("c{writer}-{number}"), |_| {}).expect("written"));
                }
            });
        }
    });
    assert_eq!(of(&[path]).expect("readable").contexts().len(), 40);
}
