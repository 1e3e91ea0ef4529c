//! Texts that cost more than they weigh. Each is refused where it stands, not where it ends: the
//! place in the message is how far reading went.

use super::*;

#[test]
fn deep_nesting_is_refused_at_its_limit() {
    assert_eq!(problems(&"[".repeat(100_000)), "f:1:121: nests deeper than 120 levels");
    assert_eq!(problems(&"[\n".repeat(100_000)), "f:121:1: nests deeper than 120 levels");
    assert_eq!(problems(&"{a: ".repeat(100_000)), "f:1:481: nests deeper than 120 levels");
    assert_eq!(problems(&"- ".repeat(100_000)), "f:1:241: nests deeper than 120 levels");
    assert_eq!(problems(&"{\"a\":".repeat(100_000)), "f:1:601: nests deeper than 120 levels");
}

#[test]
fn large_texts_are_refused_unread() {
    let message = "f:1:1: the text has more than 16777216 bytes: that many are allowed";
    assert_eq!(problems(&"[".repeat(20 << 20)), message);
}

#[test]
fn aliases_are_counted_before_they_are_copied() {
    let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..12 {
        let copies = vec![format!("*a{}", level - 1); 9].join(",");
        bomb.push_str(&format!("a{level}: &a{level} [{copies}]\n"));
    }
    assert_eq!(problems(&bomb), "f:7:14: more than 2000000 values, those of aliases included");
    let many = format!("a: &a x\nb: [{}]\n", vec!["*a"; 2_000].join(","));
    assert_eq!(problems(&many), "f:2:3005: more than 1000 aliases");
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), vec!["*a"; 999].join(","));
    assert_eq!(problems(&long), "f:2:50: more than 16777216 bytes by aliases");
    let deep: String = (1..140).map(|n| format!("a{n}: &a{n} [*a{}]\n", n - 1)).collect();
    assert_eq!(problems(&format!("a0: &a0 []\n{deep}")), "f:120:14: nests deeper than 120 levels");
}

#[test]
fn many_values_and_many_documents_are_refused() {
    let values = format!("a: &a [x{}]\nb: [{}]\n", ",x".repeat(4_000), vec!["*a"; 999].join(","));
    assert_eq!(problems(&values), "f:2:1496: more than 2000000 values, those of aliases included");
    let documents = problems(&"---\na\n".repeat(2_000));
    assert!(documents.ends_with("and at least 1950 more problems"), "{documents}");
}
