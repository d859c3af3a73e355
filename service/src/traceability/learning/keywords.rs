//! Words and intent of a prompt, by fixed lists: the same answer on every machine, without a model or a network.
//!
//! **Keywords.** Runs of letters and digits (joined by `_` or `-`) of at least three characters, in lower case, that are no stop word and no
//! number, each once; the 15 most frequent, ties by first appearance, in the order of first appearance. English; words of other languages
//! are kept as they are.
//!
//! **Intent.** Each list of cue words counts how many words of the prompt are on it; a prompt that *begins* with a cue word counts two
//! more for that list, except for `code_generation`, whose words ("write", "create") begin prompts of every kind. The highest count wins, ties go to the list that stands first; no cue is no intent.

/// Most keywords of a prompt.
const MAX_KEYWORDS: usize = 15;
/// Longest keyword, in characters.
const MAX_LENGTH: usize = 40;

const STOP_WORDS: &[&str] = &[
    "a", "about", "after", "again", "all", "also", "am", "an", "and", "any", "are", "as", "at",
    "be", "because", "been", "before", "being", "between", "both", "but", "by", "can", "cannot",
    "could", "did", "do", "does", "doing", "don", "down", "during", "each", "few", "for", "from",
    "further", "get", "give", "had", "has", "have", "having", "help", "her", "here", "him", "his",
    "how", "i", "if", "in", "into", "is", "it", "its", "just", "let", "like", "make", "me", "more",
    "most", "my", "need", "needs", "no", "nor", "not", "now", "of", "off", "on", "once", "only",
    "or", "other", "our", "out", "over", "own", "please", "same", "she", "should", "so", "some",
    "such", "than", "that", "the", "their", "them", "then", "there", "these", "they", "this",
    "those", "through", "to", "too", "under", "until", "up", "us", "use", "using", "very", "want",
    "was", "we", "were", "what", "when", "where", "which", "while", "who", "whom", "why", "will",
    "with", "without", "would", "you", "your", // The placeholders of masking.
    "email", "number", "path", "text", "token", "url",
];

/// Intent and the words that speak for it, the most telling first.
const INTENTS: &[(&str, &[&str])] = &[
    (
        "debugging",
        &[
            "bug",
            "bugs",
            "broken",
            "crash",
            "crashes",
            "crashing",
            "debug",
            "diagnose",
            "error",
            "errors",
            "exception",
            "fail",
            "failing",
            "fails",
            "failure",
            "fix",
            "fixes",
            "hang",
            "hangs",
            "investigate",
            "leak",
            "panic",
            "stacktrace",
            "traceback",
            "troubleshoot",
            "wrong",
        ],
    ),
    (
        "testing",
        &[
            "assert",
            "assertion",
            "coverage",
            "mock",
            "mocks",
            "pytest",
            "test",
            "tested",
            "testing",
            "tests",
            "unittest",
        ],
    ),
    (
        "refactoring",
        &[
            "clean",
            "cleanup",
            "deduplicate",
            "extract",
            "migrate",
            "modernize",
            "refactor",
            "refactoring",
            "rename",
            "reorganize",
            "restructure",
            "rewrite",
            "simplify",
            "split",
            "tidy",
        ],
    ),
    (
        "documentation",
        &[
            "changelog",
            "comment",
            "comments",
            "describe",
            "docs",
            "docstring",
            "docstrings",
            "document",
            "documentation",
            "explain",
            "guide",
            "readme",
            "summarize",
            "tutorial",
        ],
    ),
    (
        "performance",
        &[
            "benchmark",
            "bottleneck",
            "cache",
            "faster",
            "latency",
            "memory",
            "optimise",
            "optimize",
            "performance",
            "profile",
            "slow",
            "speed",
            "throughput",
        ],
    ),
    (
        "security",
        &[
            "audit",
            "authenticate",
            "authentication",
            "authorization",
            "credential",
            "credentials",
            "encrypt",
            "injection",
            "secret",
            "secrets",
            "secure",
            "security",
            "vulnerabilities",
            "vulnerability",
            "xss",
        ],
    ),
    (
        "deployment",
        &[
            "ci",
            "deploy",
            "deployment",
            "docker",
            "helm",
            "kubernetes",
            "pipeline",
            "provision",
            "release",
            "rollback",
            "rollout",
            "terraform",
        ],
    ),
    (
        "data_analysis",
        &[
            "aggregate",
            "analyse",
            "analysis",
            "analyze",
            "chart",
            "csv",
            "dashboard",
            "dataset",
            "metrics",
            "plot",
            "report",
            "statistics",
        ],
    ),
    (
        "research",
        &[
            "compare", "evaluate", "explore", "find", "lookup", "research", "review", "search",
            "survey",
        ],
    ),
    (
        "code_generation",
        &[
            "add",
            "api",
            "build",
            "class",
            "code",
            "create",
            "develop",
            "endpoint",
            "function",
            "generate",
            "implement",
            "implementation",
            "new",
            "scaffold",
            "script",
            "write",
        ],
    ),
];

/// The words that tell a prompt from others.
pub fn keywords(prompt: &str) -> Vec<String> {
    let mut counted: Vec<(String, usize)> = Vec::new();
    for word in words(prompt) {
        let length = word.chars().count();
        let number = word
            .chars()
            .all(|character| character.is_numeric() || matches!(character, '-' | '_'));
        if !(3..=MAX_LENGTH).contains(&length) || number || STOP_WORDS.contains(&word.as_str()) {
            continue;
        }
        match counted.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => counted.push((word, 1)),
        }
    }
    let mut order: Vec<usize> = (0..counted.len()).collect();
    order.sort_by_key(|index| (std::cmp::Reverse(counted[*index].1), *index));
    order.truncate(MAX_KEYWORDS);
    order.sort_unstable();
    order
        .into_iter()
        .map(|index| counted[index].0.clone())
        .collect()
}

/// What a prompt wants: `debugging`, `testing`, `refactoring`, `documentation`, `performance`, `security`, `deployment`, `data_analysis`,
/// `research` or `code_generation`.
pub fn intent(prompt: &str) -> Option<&'static str> {
    let words: Vec<String> = words(prompt).filter(|word| word != "please").collect();
    let mut best: Option<(&'static str, usize)> = None;
    for (intent, cues) in INTENTS {
        let mut count = words
            .iter()
            .filter(|word| cues.contains(&word.as_str()))
            .count();
        let general = *intent == "code_generation";
        if !general
            && words
                .first()
                .is_some_and(|first| cues.contains(&first.as_str()))
        {
            count += 2;
        }
        if count > best.map_or(0, |(_, most)| most) {
            best = Some((intent, count));
        }
    }
    best.map(|(intent, _)| intent)
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|character: char| !(character.is_alphanumeric() || matches!(character, '_' | '-')))
        .map(|word| word.trim_matches(['_', '-']).to_lowercase())
        .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stop_words_numbers_and_short_words_are_no_keywords() {
        assert_eq!(
            keywords(
                "Please fix the login timeout in the session-store of our API v2 after 3000 ms; login must not hang"
            ),
            [
                "fix",
                "login",
                "timeout",
                "session-store",
                "api",
                "must",
                "hang"
            ]
        );
        assert_eq!(keywords("do it"), Vec::<String>::new());
        assert_eq!(keywords("<email> writes <number>"), ["writes"]);
    }

    #[test]
    fn the_most_frequent_words_stay_in_the_order_of_their_appearance() {
        let words: Vec<String> = (0..30).map(|number| format!("word{number}")).collect();
        let prompt = words.join(" ") + " last last";
        let found = keywords(&prompt);
        assert_eq!(found.len(), 15);
        assert_eq!((found[0].as_str(), found[14].as_str()), ("word0", "last"));
    }

    #[test]
    fn cue_words_tell_the_intent() {
        for (prompt, expected) in [
            ("Fix the failing login", Some("debugging")),
            (
                "Write a function that parses dates",
                Some("code_generation"),
            ),
            ("Write unit tests for the parser", Some("testing")),
            ("please refactor the error handling", Some("refactoring")),
            ("Document the public API", Some("documentation")),
            ("Why is this query slow? optimize it", Some("performance")),
            ("Deploy to kubernetes", Some("deployment")),
            ("Grüße", None),
            ("", None),
        ] {
            assert_eq!(intent(prompt), expected, "{prompt}");
        }
    }
}
