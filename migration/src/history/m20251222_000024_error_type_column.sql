-- The first rule that matches the message names the category.
UPDATE execution_trace
SET error_type = CASE
    WHEN lower(error_message) LIKE ANY (ARRAY['%timeout%', '%timed out%', '%deadline%'])
        THEN 'TIMEOUT'
    WHEN lower(error_message) LIKE ANY (ARRAY[
            '%permission%', '%denied%', '%unauthorized%', '%forbidden%', '%403%', '%401%'])
        THEN 'PERMISSION'
    WHEN lower(error_message) LIKE ANY (ARRAY['%not found%', '%404%', '%does not exist%', '%no such%', '%missing%'])
        THEN 'NOT_FOUND'
    WHEN lower(error_message) LIKE ANY (ARRAY[
            '%validation%', '%invalid%', '%malformed%', '%parse%', '%schema%', '%type error%'])
        THEN 'VALIDATION'
    WHEN lower(error_message) LIKE ANY (ARRAY[
            '%network%', '%econnrefused%', '%econnreset%', '%enotfound%', '%socket%', '%connection%'])
        THEN 'NETWORK'
    ELSE 'UNKNOWN'
END
WHERE NOT success AND error_message IS NOT NULL AND error_type IS NULL;
