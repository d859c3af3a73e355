//! What code and tools let one conclude.

#![allow(clippy::float_cmp)]

use PermissionSet::{Filesystem, McpStandard, Minimal, NetworkApi, Readonly};

use super::*;

#[track_caller]
fn infers(code: &str, tools: &[&str], set: PermissionSet, confidence: f64, patterns: &[&str]) {
    let tools: Vec<String> = tools.iter().map(|&tool| tool.to_owned()).collect();
    let inferred = infer(code, &tools);
    assert_eq!(
        (
            inferred.set,
            inferred.confidence,
            inferred.patterns.as_slice()
        ),
        (
            set,
            confidence,
            patterns
                .iter()
                .map(|&p| p.to_owned())
                .collect::<Vec<_>>()
                .as_slice()
        ),
        "{code} {tools:?}"
    );
}

/// The rows of PERM-2.
#[test]
fn every_row_of_the_table_holds() {
    infers("const a = 1 + 2; return a;", &[], Minimal, 0.95, &[]);
    infers("", &[], Minimal, 0.95, &[]);
    infers(
        "await mcp.unknownTool.do()",
        &[],
        McpStandard,
        0.50,
        &["mcp.unknownTool"],
    );
    infers(
        "mcp.docker.run(); fetch(u)",
        &[],
        McpStandard,
        0.50,
        &["fetch", "mcp.docker"],
    );
    infers(
        "mcp.kubernetes.list()",
        &[],
        McpStandard,
        0.50,
        &["mcp.kubernetes"],
    );
    infers(
        "mcp.fs.read(p); fetch(u)",
        &[],
        McpStandard,
        0.70,
        &["fetch", "mcp.fs"],
    );
    infers(
        "process.env.A; fetch(u)",
        &[],
        McpStandard,
        0.70,
        &["fetch", "process.env"],
    );
    infers("await fetch(u)", &[], NetworkApi, 0.90, &["fetch"]);
    infers("fetch(u); fetch(v)", &[], NetworkApi, 0.90, &["fetch"]);
    infers(
        "fetch(u); Deno.connect(c)",
        &[],
        NetworkApi,
        0.95,
        &["Deno.connect", "fetch"],
    );
    infers(
        "mcp.filesystem.read(p)",
        &[],
        Readonly,
        0.90,
        &["mcp.filesystem"],
    );
    infers(
        "Deno.readFile(p); mcp.fs.stat(p)",
        &[],
        Readonly,
        0.95,
        &["Deno.readFile", "mcp.fs"],
    );
    infers(
        "mcp.filesystem.write(p)",
        &[],
        Filesystem,
        0.90,
        &["mcp.filesystem"],
    );
    infers(
        "Deno.writeFile(p)",
        &[],
        Filesystem,
        0.90,
        &["Deno.writeFile"],
    );
    infers(
        "Deno.readFile(p); mcp.fs.move(p)",
        &[],
        Filesystem,
        0.95,
        &["Deno.readFile", "mcp.fs"],
    );
    infers("Deno.env.get('A')", &[], McpStandard, 0.80, &["Deno.env"]);
    infers(
        "process.env.A; Deno.env",
        &[],
        McpStandard,
        0.80,
        &["Deno.env", "process.env"],
    );
    for server in ["github", "slack", "tavily", "api"] {
        infers(
            "",
            &[&format!("{server}:x")],
            NetworkApi,
            0.90,
            &[&format!("mcp.{server}")],
        );
    }
}

#[test]
fn what_cannot_be_read_gets_nothing() {
    for code in [
        "fetch(u",
        "fetch(u))",
        "fetch('u)",
        "fetch(`u${)",
        "fetch(u) /* x",
        "this is completely invalid typescript code!!!\n@#$%^&*()",
    ] {
        infers(code, &["github:x"], Minimal, 0.0, &[]);
    }
}

#[test]
fn strings_and_comments_say_nothing_and_code_in_template_literals_does() {
    let code =
        "// fetch(u)\n/* Deno.env */ const a = 'mcp.fs.read()' + `fetch(u)` + /fetch/.source;";
    infers(code, &[], Minimal, 0.95, &[]);
    infers(
        "`a ${ `b ${ await fetch(u) }` }`",
        &[],
        NetworkApi,
        0.90,
        &["fetch"],
    );
}

#[test]
fn a_tool_is_found_however_it_is_called() {
    for call in [
        "mcp.filesystem.read_file(p)",
        "mcp?.filesystem?.read_file?.(p)",
        "mcp\n  .filesystem\n  .read_file(p)",
        "mcp[\"filesystem:read_file\"](p)",
        "mcp['pml.mcp.filesystem.read_file.db48'](p)",
        "mcp[`filesystem`]?.['readFile'](p)",
        "mcp!.filesystem[\"READ_FILE\"](p)",
        "globalThis.mcp.filesystem.readFile(p)",
        "globalThis['mcp'].filesystem.readFile(p)",
    ] {
        infers(call, &[], Readonly, 0.90, &["mcp.filesystem"]);
    }
    infers(
        "const fs = mcp.filesystem;",
        &[],
        Filesystem,
        0.90,
        &["mcp.filesystem"],
    );
    infers(
        "mcp.filesystem[op](p)",
        &[],
        Filesystem,
        0.90,
        &["mcp.filesystem"],
    );
    infers("mcp[server].read(p)", &[], McpStandard, 0.50, &["mcp.*"]);
    infers(
        "mcp[`${server}`].read(p)",
        &[],
        McpStandard,
        0.50,
        &["mcp.*"],
    );
    infers("Deno[name]()", &[], McpStandard, 0.50, &["Deno.*"]);
}

#[test]
fn only_the_global_names_count() {
    for code in [
        "client.fetch(u)",
        "a.mcp.fs.read(p)",
        "a?.process.env",
        "({fetch: f, mcp: m})",
        "function fetch() {}",
        "const mcpx = fetcher(mcp)",
        "Deno.cwd()",
        "process.exit()",
    ] {
        infers(code, &[], Minimal, 0.95, &[]);
    }
    infers("list.map(fetch)", &[], NetworkApi, 0.90, &["fetch"]);
    infers("globalThis.fetch(u)", &[], NetworkApi, 0.90, &["fetch"]);
    infers(
        "Deno.readTextFileSync(p)",
        &[],
        Readonly,
        0.90,
        &["Deno.readTextFileSync"],
    );
    infers("Deno['env']", &[], McpStandard, 0.80, &["Deno.env"]);
}

#[test]
fn tools_of_the_run_count_once_with_those_in_the_code() {
    let code = "await mcp.filesystem.read_file(p)";
    infers(
        code,
        &["pml.mcp.filesystem.read_file.db48"],
        Readonly,
        0.90,
        &["mcp.filesystem"],
    );
    infers(
        code,
        &["mcp__filesystem__write_file"],
        Filesystem,
        0.90,
        &["mcp.filesystem"],
    );
    infers("f()", &["fs:stat", "fs:read"], Readonly, 0.90, &["mcp.fs"]);
    infers("f()", &["std:psql_query"], McpStandard, 0.50, &["mcp.std"]);
}

#[test]
fn calls_of_capabilities_and_the_runtimes_own_tools_need_nothing() {
    let reference = "$cap:6f1c1f0e-4a2f-4c57-9d0a-0a1b2c3d4e5f";
    infers(&format!("mcp[\"{reference}\"](a)"), &[], Minimal, 0.95, &[]);
    infers(
        "1 + 1",
        &["code:add", "loop:forEach", "", reference],
        Minimal,
        0.95,
        &[],
    );
}
