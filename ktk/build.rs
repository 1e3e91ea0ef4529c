//! How the program is linked on Linux with GNU's C library: so that a command is at its work sooner. Half of what a
//! short command took was spent before `main`.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if said("CARGO_CFG_TARGET_OS") != "linux" || said("CARGO_CFG_TARGET_ENV") != "gnu" {
        return;
    }
    // At a place of its own, as Go's programs are: wherever else it is loaded, 42,000 pointers are put right first.
    println!("cargo:rustc-link-arg-bins=-no-pie");
    // The library that unwinds asks the processor for all its features when it is loaded, which is slow where that
    // is a virtual one. The same code from the archive does not.
    if has_archive("libgcc_eh.a") && has_archive("libgcc.a") {
        let dir = PathBuf::from(said("OUT_DIR"));
        let script = "GROUP ( -l:libgcc_eh.a -l:libgcc.a )\n";
        fs::write(dir.join("libgcc_s.so"), script).expect("the folder is cargo's own");
        println!("cargo:rustc-link-search=native={}", dir.display());
    }
}

/// Whether the linker finds a library of the compiler's. Where the target is another machine, this one does not know.
fn has_archive(name: &str) -> bool {
    if said("HOST") != said("TARGET") {
        return false;
    }
    let found = Command::new("cc").arg(format!("-print-file-name={name}")).output();
    // What is not found is named as it was asked for.
    found.is_ok_and(|found| {
        String::from_utf8(found.stdout).is_ok_and(|path| Path::new(path.trim()).is_absolute())
    })
}

#[expect(clippy::disallowed_methods, reason = "this is how cargo tells a build script where it is")]
fn said(variable: &str) -> String {
    env::var(variable).expect("cargo says it")
}
