//! The closed word sets of the schema, one enum per CHECK.
//!
//! Words that older releases wrote are accepted as input where a rule maps them (see [`Routing`]); the migrations map
//! stored ones before they add the CHECK, so rows only ever hold the words listed here.

use super::text_enum::text_enum;

text_enum! {
    /// What a row of `tool_schema` stands for.
    pub enum ToolKind {
        /// Offered by a tool server that speaks MCP. The only kind that search returns.
        Mcp = "mcp",
        /// Built into the runtime (`code:*`, `loop:*`): no server offers it.
        Operation = "operation",
        /// Named by an edge or an embedding, but no definition was ever seen.
        Unresolved = "unresolved",
    }
}

text_enum! {
    /// What it means that one tool or capability follows another.
    pub enum EdgeType {
        /// The first calls the second.
        Contains = "contains",
        /// The second was seen after the first. The default.
        Sequence = "sequence",
        /// The second needs a result of the first.
        Dependency = "dependency",
        /// Either may stand for the other.
        Alternative = "alternative",
        /// An output of the first fits an input of the second.
        Provides = "provides",
    }
}

text_enum! {
    /// How an edge became known.
    pub enum EdgeSource {
        /// Concluded from a few observations. The default.
        Inferred = "inferred",
        /// Seen at least three times.
        Observed = "observed",
        /// Declared by a workflow template or a user.
        Template = "template",
    }
}

text_enum! {
    /// Who may see a capability.
    pub enum Visibility {
        /// Its owner only. The default.
        Private = "private",
        /// Everyone in its project.
        Project = "project",
        /// Everyone in its organisation.
        Org = "org",
        /// Everyone.
        Public = "public",
    }
}

text_enum! {
    /// Where a capability runs. Later releases of the older system say `client` and `server`: both are accepted as input.
    pub enum Routing {
        /// On the caller's machine. The default.
        Local = "local" | "client",
        /// On the platform.
        Cloud = "cloud" | "server",
    }
}

text_enum! {
    /// What a capability may touch, from nothing to everything.
    ///
    /// The order of declaration is not a ladder: `Filesystem` and `NetworkApi` stand beside each other.
    pub enum PermissionSet {
        /// Nothing outside the sandbox. The default.
        Minimal = "minimal",
        /// Read files.
        Readonly = "readonly",
        /// Read and write files.
        Filesystem = "filesystem",
        /// Reach the network.
        NetworkApi = "network-api",
        /// What an MCP server usually needs: files, network, environment.
        McpStandard = "mcp-standard",
        /// No limit. Only rows that the older system wrote hold it; no escalation leads here.
        Trusted = "trusted",
    }
}

text_enum! {
    /// The operation that made a capability ask for more permission.
    pub enum DetectedOperation {
        /// Read a file.
        Read = "read",
        /// Write a file.
        Write = "write",
        /// Reach the network.
        Net = "net",
        /// Read the environment.
        Env = "env",
        /// Start a process. Never granted by escalation.
        Run = "run",
        /// Call foreign code. Never granted by escalation.
        Ffi = "ffi",
    }
}

text_enum! {
    /// How a workflow pattern came to be.
    pub enum PatternSource {
        /// Learned from runs. The default.
        Emergent = "emergent",
        /// Written by hand.
        Manual = "manual",
    }
}

text_enum! {
    /// What an episodic event records.
    pub enum EventType {
        /// A run was started before anyone asked for it.
        SpeculationStart = "speculation_start",
        /// One task of a workflow ended.
        TaskComplete = "task_complete",
        /// The agent decided at a checkpoint.
        AilDecision = "ail_decision",
        /// A human decided at a checkpoint.
        HilDecision = "hil_decision",
        /// A workflow began.
        WorkflowStart = "workflow_start",
        /// A workflow ended.
        WorkflowComplete = "workflow_complete",
    }
}

text_enum! {
    /// How varied the learned graph is, judged by its entropy.
    pub enum HealthStatus {
        /// Below the low threshold: always the same paths.
        Rigid = "rigid",
        /// Between the thresholds, both included.
        Healthy = "healthy",
        /// Above the high threshold: no path repeats.
        Chaotic = "chaotic",
    }
}

text_enum! {
    /// Why a scoring algorithm ran.
    pub enum AlgorithmMode {
        /// Someone searched.
        ActiveSearch = "active_search",
        /// The platform suggested on its own.
        PassiveSuggestion = "passive_suggestion",
    }
}

text_enum! {
    /// What a scoring algorithm scored.
    pub enum TargetType {
        /// A tool of a server.
        Tool = "tool",
        /// A learned capability.
        Capability = "capability",
    }
}

text_enum! {
    /// What became of a scored candidate.
    pub enum Decision {
        /// Its score reached the threshold.
        Accepted = "accepted",
        /// Its success rate was too low, whatever its score.
        FilteredByReliability = "filtered_by_reliability",
        /// Its score stayed under the threshold.
        RejectedByThreshold = "rejected_by_threshold",
    }
}

text_enum! {
    /// The algorithm that scored. The words are names, hence their capitals.
    pub enum AlgorithmName {
        /// Semantic match of an intent with capabilities.
        CapabilityMatcher = "CapabilityMatcher",
        /// Suggestion of a whole workflow.
        DagSuggester = "DAGSuggester",
        /// Semantic and graph score of tools, mixed.
        HybridSearch = "HybridSearch",
        /// Attention network over the hypergraph of tools and capabilities.
        Shgat = "SHGAT",
        /// Shortest path over the hypergraph.
        Drdsp = "DRDSP",
        /// Which alternative comes next.
        AlternativesPrediction = "AlternativesPrediction",
        /// Which capability comes next.
        CapabilitiesPrediction = "CapabilitiesPrediction",
        /// Thresholds by Thompson sampling.
        Thompson = "Thompson",
        /// Anything else.
        Other = "Other",
    }
}

text_enum! {
    /// Why a run failed, as coarse as a reaction to it needs.
    pub enum ErrorType {
        /// It took too long.
        Timeout = "TIMEOUT",
        /// It was not allowed.
        Permission = "PERMISSION",
        /// Something it named does not exist.
        NotFound = "NOT_FOUND",
        /// Its input was refused.
        Validation = "VALIDATION",
        /// A connection failed.
        Network = "NETWORK",
        /// None of the others.
        Unknown = "UNKNOWN",
    }
}

text_enum! {
    /// What a person may do on the platform itself.
    pub enum UserRole {
        /// Use it. The default.
        User = "user",
        /// Manage it.
        Admin = "admin",
        /// Operate it.
        Ops = "ops",
    }
}

text_enum! {
    /// How far a traced execution is. Readers go by `success`: a completed execution may have failed.
    pub enum TraceStatus {
        /// It runs. The default.
        InProgress = "in_progress",
        /// It ended well.
        Completed = "completed" | "success",
        /// It ended badly; a timeout is a failure with that error type.
        Failed = "failed" | "error" | "timeout",
        /// It was given up.
        Cancelled = "cancelled",
    }
}

text_enum! {
    /// How far a hook is.
    pub enum HookStatus {
        /// It runs. The default.
        InProgress = "in_progress",
        /// It ended; whether well, its error message says.
        Completed = "completed",
        /// It failed.
        Failed = "failed",
    }
}

text_enum! {
    /// What came of replaying a pattern.
    pub enum UsageOutcome {
        /// It worked as planned.
        Success = "success",
        /// It did not work.
        Failure = "failure",
        /// It worked, but not as planned.
        PartialSuccess = "partial_success",
    }
}

text_enum! {
    /// What learning made of an execution.
    pub enum ExtractionResult {
        /// A new pattern.
        Pattern = "pattern",
        /// Another observation of a known pattern.
        Repeat = "repeat",
        /// An occurrence of an error.
        Error = "error",
        /// Nothing: neither good enough nor an error, or without a prompt.
        Nothing = "nothing",
    }
}

text_enum! {
    /// Where a recurring error comes from.
    pub enum ErrorCategory {
        /// The way to another machine.
        Network = "network",
        /// What was sent.
        Validation = "validation",
        /// This machine.
        System = "system",
        /// Another service.
        Integration = "integration",
    }
}

text_enum! {
    /// How bad a recurring error is.
    pub enum Severity {
        /// Everything stands still.
        Critical = "critical",
        /// Much fails.
        High = "high",
        /// Some fail.
        Medium = "medium",
        /// A nuisance.
        Low = "low",
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;
    use std::str::FromStr;

    use sea_orm::Value;
    use sea_orm::sea_query::{ColumnType, Nullable, ValueType};
    use serde::Serialize;
    use serde::de::DeserializeOwned;

    use super::super::text_enum::Words;
    use super::*;

    fn behaves<T>()
    where
        T: Words
            + FromStr
            + Debug
            + PartialEq
            + Copy
            + Serialize
            + DeserializeOwned
            + ValueType
            + Nullable
            + Into<Value>,
        T::Err: Debug,
    {
        assert_eq!(<T as ValueType>::column_type(), ColumnType::Text);
        for (value, word) in T::words() {
            assert_eq!(word.parse::<T>().unwrap(), value);
            let json = serde_json::to_string(&value).unwrap();
            assert_eq!(json, format!("{word:?}"));
            assert_eq!(serde_json::from_str::<T>(&json).unwrap(), value);
            assert_eq!(value.into(), Value::from(word));
            assert_eq!(
                <T as ValueType>::try_from(Value::from(word)).unwrap(),
                value
            );
        }
        assert!("no such word".parse::<T>().is_err());
        assert!(serde_json::from_str::<T>("\"no such word\"").is_err());
        assert!(serde_json::from_str::<T>("7").is_err());
    }

    #[test]
    fn every_word_round_trips_through_text_json_and_the_database_value() {
        behaves::<ToolKind>();
        behaves::<EdgeType>();
        behaves::<EdgeSource>();
        behaves::<Visibility>();
        behaves::<Routing>();
        behaves::<PermissionSet>();
        behaves::<DetectedOperation>();
        behaves::<PatternSource>();
        behaves::<EventType>();
        behaves::<HealthStatus>();
        behaves::<AlgorithmMode>();
        behaves::<TargetType>();
        behaves::<Decision>();
        behaves::<AlgorithmName>();
        behaves::<ErrorType>();
        behaves::<UserRole>();
        behaves::<TraceStatus>();
        behaves::<HookStatus>();
        behaves::<UsageOutcome>();
        behaves::<ExtractionResult>();
        behaves::<ErrorCategory>();
        behaves::<Severity>();
    }

    #[test]
    fn routing_accepts_the_later_words_and_writes_the_documented_ones() {
        assert_eq!("client".parse::<Routing>().unwrap().as_str(), "local");
        assert_eq!(
            serde_json::from_str::<Routing>("\"server\"")
                .unwrap()
                .to_string(),
            "cloud"
        );
        assert_eq!(Routing::WORDS, ["local", "cloud"]);
    }

    #[test]
    fn an_unknown_word_says_what_was_expected() {
        let refused = "root".parse::<UserRole>().unwrap_err();
        assert_eq!(
            refused.to_string(),
            "\"root\" is not a UserRole: expected one of user, admin, ops"
        );
    }
}
