DROP VIEW dashboard_summary;
DROP VIEW error_analysis;
DROP VIEW agent_performance;
DROP VIEW trace_summary;
DROP VIEW pattern_effectiveness;
