//! Flags of kubectl's that are not here, and what there is in their place.

/// What is here in the place of a flag of kubectl's that is not.
pub(super) fn called_otherwise(flag: &str, verb: Option<&str>) -> Option<&'static str> {
    let flag = flag.split('=').next().unwrap_or(flag);
    Some(match flag {
        "-l" | "--selector" | "--all" | "--prune-allowlist" if verb == Some("apply") => {
            "what is pruned is of one set: ktk apply --source NAME --prune"
        }
        "-c" | "--all-containers" | "--container" if verb == Some("logs") => {
            "an attempt has one log: --attempt N chooses it, --step those of a pipeline"
        }
        "--as" | "--as-group" | "--as-uid" => {
            "nobody speaks for another: use that one's context or KTK_TOKEN"
        }
        "--field-manager" | "--force-conflicts" | "--server-side" => {
            "each apply is the server's, which knows what was applied last: leave it out"
        }
        "--insecure-skip-tls-verify" => {
            "no certificate goes unchecked: name whom to trust by --certificate-authority"
        }
        "--kubeconfig" => "a file of contexts is named by --config, or KTKCONFIG",
        "--kuberc" => "a file of default flags and aliases is named by --preferences, or KTK_PREFERENCES",
        "--kustomize" => "what a program makes of templates is read from standard input: -f -",
        "--limit" => "--chunk-size N asks for so many at a time, and prints all; head cuts",
        "--vmodule" | "--v" => "--verbose 6 or 8 tells of each request",
        "--replicas" => "--permits N of a semaphore, --max-running N of a queue",
        "--show-managed-fields" => {
            "objects do not carry who set what: ktk apply view-last-applied shows what was applied"
        }
        "--template" => "templates are JSONPath: -o jsonpath=TEMPLATE",
        "--token" => {
            "a token is in a context (ktk login), or in KTK_TOKEN, where nobody reads it in a list of processes"
        }
        "--user" | "--cluster" => "a context has the server and its token: --context NAME",
        _ => return None,
    })
}
