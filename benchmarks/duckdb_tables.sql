-- Tables of a combined log, as an analyst would write them by hand for DuckDB: section "what it counts" of the
-- README without fold, gate, names of software, places and signals, which have no SQL. Totals of hits, page
-- views, visits, visitors, entries and exits equal those of logscrub (benchmarks/duckdb_tables.py tells them).
--
-- $files is a list of paths, $own the own domain.

CREATE TEMP TABLE requests AS
WITH lines AS (
    SELECT
        address,
        strptime(time, '[%d/%b/%Y:%H:%M:%S') AS moment,
        split_part(request, ' ', 1) AS method,
        split_part(request, ' ', 2) AS target,
        status,
        coalesce(size, 0) AS bytes,
        referrer,
        agent
    FROM read_csv(
        $files, delim = ' ', quote = '"', escape = '\', header = false, auto_detect = false, nullstr = '-',
        columns = {
            'address': 'VARCHAR', 'ident': 'VARCHAR', 'username': 'VARCHAR', 'time': 'VARCHAR',
            'zone': 'VARCHAR', 'request': 'VARCHAR', 'status': 'SMALLINT', 'size': 'BIGINT',
            'referrer': 'VARCHAR', 'agent': 'VARCHAR'
        }
    )
)
SELECT
    moment::DATE AS day,
    hour(moment) AS hour,
    moment,
    hash(address, agent) AS visitor,
    method,
    status,
    bytes,
    regexp_replace(split_part(target, '?', 1), '/[0-9]+(/|$)', '/:id\1', 'g') AS path,
    CASE WHEN contains(target, 'utm_source=')
        THEN lower(regexp_extract(target, '[?&]utm_source=([^&]*)', 1)) END AS campaign,
    method = 'GET' AND (status BETWEEN 200 AND 299 OR status = 304)
        AND NOT regexp_matches(
            split_part(target, '?', 1),
            '\.(css|js|mjs|map|png|jpe?g|gif|webp|avif|svg|ico|bmp|woff2?|ttf|otf|eot)$'
        ) AS page_view,
    regexp_extract(referrer, '^https?://([^/:?#]*)', 1) AS site,
    regexp_matches(agent, '(?i)bot|crawl|spider|slurp|curl|wget|python|monitor|http-?client|feed|externalhit') AS bot,
    agent
FROM lines;

CREATE TEMP TABLE hits AS
WITH begun AS (
    SELECT
        *,
        CASE
            WHEN lag(moment) OVER visitor_day IS NULL THEN 1
            WHEN moment - lag(moment) OVER visitor_day > INTERVAL 30 MINUTE THEN 1
            WHEN campaign IS DISTINCT FROM lag(campaign) OVER visitor_day AND campaign IS NOT NULL THEN 1
            ELSE 0
        END AS begins
    FROM requests
    WHERE NOT coalesce(bot, true)
    WINDOW visitor_day AS (
        PARTITION BY day, visitor ORDER BY moment, NOT page_view, path, status, method, bytes
    )
)
SELECT
    * EXCLUDE (agent, bot),
    sum(begins) OVER (
        PARTITION BY day, visitor ORDER BY moment, NOT page_view, path, status, method, bytes
        ROWS UNBOUNDED PRECEDING
    ) AS visit
FROM begun;

CREATE TEMP TABLE visits AS
SELECT
    day,
    visitor,
    visit,
    any_value(campaign) AS campaign,
    arg_min(site, moment) FILTER (site IS NOT NULL AND NOT ends_with(site, $own)) AS site,
    count(*) AS hits,
    count(*) FILTER (page_view) AS page_views,
    arg_min(path, (moment, path)) FILTER (page_view) AS entry,
    arg_max(path, (moment, path)) FILTER (page_view) AS exit
FROM hits
GROUP BY ALL;

CREATE TABLE days AS
SELECT
    day, count(*) AS hits, count(*) FILTER (page_view) AS page_views, sum(begins)::BIGINT AS visits,
    count(DISTINCT visitor) AS visitors, sum(bytes)::BIGINT AS bytes
FROM hits GROUP BY ALL;

CREATE TABLE hours AS
SELECT
    day, hour, count(*) AS hits, count(*) FILTER (page_view) AS page_views, sum(begins)::BIGINT AS visits,
    count(DISTINCT visitor) AS visitors, sum(bytes)::BIGINT AS bytes
FROM hits GROUP BY ALL;

CREATE TABLE responses AS
SELECT
    day, status // 100 AS status_class, status, method, count(*) AS hits,
    count(DISTINCT visitor) AS visitors, sum(bytes)::BIGINT AS bytes
FROM hits GROUP BY ALL;

CREATE TABLE pages AS
SELECT day, path, count(*) AS page_views, count(DISTINCT visitor) AS visitors
FROM hits WHERE page_view GROUP BY ALL;

CREATE TABLE referrers AS
SELECT
    day, array_to_string(string_split(site, '.')[-2:], '.') AS source, sum(hits)::BIGINT AS hits,
    sum(page_views)::BIGINT AS page_views, count(*) AS visits, count(DISTINCT visitor) AS visitors
FROM visits GROUP BY ALL;

CREATE TABLE campaigns AS
SELECT
    day, campaign, sum(hits)::BIGINT AS hits, sum(page_views)::BIGINT AS page_views, count(*) AS visits,
    count(DISTINCT visitor) AS visitors
FROM visits GROUP BY ALL;

CREATE TABLE entries AS
SELECT day, entry AS path, count(*) AS visits, count(DISTINCT visitor) AS visitors
FROM visits WHERE page_views > 0 GROUP BY ALL;

CREATE TABLE exits AS
SELECT day, exit AS path, count(*) AS visits, count(DISTINCT visitor) AS visitors
FROM visits WHERE page_views > 0 GROUP BY ALL;

CREATE TABLE bots AS
SELECT
    day, agent AS bot, count(*) AS hits, count(DISTINCT visitor) AS visitors, sum(bytes)::BIGINT AS bytes
FROM requests WHERE coalesce(bot, true) GROUP BY ALL;
