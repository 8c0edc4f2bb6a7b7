"""Text formats that are known by name, written as their servers' configurations have them."""

import json
import re
from collections.abc import Mapping

from logscrub.formats.apache import ACCESS_FORMATS, ADDRESS, WORD, compile_log_format
from logscrub.formats.expressions import ANY, SIZE, STATUS, Value
from logscrub.formats.lines import LineFormat
from logscrub.formats.nginx import compile_nginx, parts_of
from logscrub.formats.time_formats import Clock
from logscrub.formats.times import CLF_PATTERN

_COMBINED = '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"'
_NGINX = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" '
    '"$http_user_agent"'
)
_UPSTREAM = ' rt=$request_time uct="$uct" uht="$uht" urt="$urt"'
_EOL = rb"\r?(?:\n|\Z)"
_END = rb"[ \t]*" + _EOL


def _mark(expression: bytes) -> re.Pattern[bytes]:
    return re.compile(expression)


_APACHE = (
    compile_log_format(_COMBINED + " %D", name="combined_duration_us", mark=_mark(rb'" \d{4,}' + _END)),
    LineFormat(  # %T: whole seconds, of which nothing that is served takes five digits
        "combined_duration_s",
        (*parts_of(_NGINX + " $seconds", {"seconds": Value("duration_s", r"\d{1,4}|-")}),),
        ACCESS_FORMATS[0].clock,
        _mark(rb'" \d{1,4}' + _END),
    ),
    compile_log_format(_COMBINED + " %T/%D", name="combined_duration_s_us", mark=_mark(rb'" \d+/\d+' + _END)),
    compile_log_format(
        _COMBINED + " **%T/%D**", name="combined_duration_stars", mark=_mark(rb"\*\*\d+/\d+\*\*")
    ),
    compile_log_format(
        _COMBINED + ' "%{Cookie}i"', name="combined_cookies", mark=_mark(rb'" "[^"=\n]*=[^"\n]*"' + _END)
    ),
    compile_log_format(
        _COMBINED + ' %k "%{router}n" "%{backend}n" %{ms}Tms',
        name="traefik_clf",
        mark=_mark(rb'" \d+ms' + _END),
    ),
)
"""https://httpd.apache.org/docs/2.4/mod/mod_log_config.html;
https://doc.traefik.io/traefik/observability/access-logs/."""

_IP = r"(?:\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?|\[?[0-9a-fA-F]*:[0-9a-fA-F:.]+\]?(?::\d{1,5})?)"
# What stands left of the last addresses a client may have made up: anything.
_FORWARDED = Value("forwarded", '[^"]*?')
# A host, a cookie or a time in their place makes no such file.
_ADDRESSES = rb'"(?:[^"\n]*[, ])?' + _IP.encode() + b'"'
_XFF = {"xff": _FORWARDED}
_NGINX_FORMATS = (
    LineFormat(
        "nginx_main",
        tuple(parts_of(_NGINX + ' "$xff"', _XFF)),
        ACCESS_FORMATS[0].clock,
        _mark(b'" ' + _ADDRESSES + _END),
    ),
    LineFormat(
        "nginx_main_request_time",
        tuple(parts_of(_NGINX + ' "$xff" $request_time', _XFF)),
        ACCESS_FORMATS[0].clock,
        _mark(b'" ' + _ADDRESSES + rb" \d+\.\d+" + _END),
    ),
    LineFormat(
        "nginx_main_upstream_time",
        tuple(parts_of(_NGINX + ' "$xff" $request_time $upstream_response_time', _XFF)),
        ACCESS_FORMATS[0].clock,
        _mark(b'" ' + _ADDRESSES + rb" \d+\.\d+ [\d.,:-][\d.,: -]*" + _EOL),
    ),
    compile_nginx(_NGINX + " $request_time", name="nginx_request_time", mark=_mark(rb'" \d+\.\d+' + _END)),
    compile_nginx(
        _NGINX + " $request_time $upstream_response_time",
        name="nginx_upstream_time",
        mark=_mark(rb'" \d+\.\d+ [\d.,:-][\d.,: -]*' + _EOL),
    ),
    compile_nginx(_NGINX + _UPSTREAM, name="nginx_timing", mark=_mark(rb'" rt=')),
    compile_nginx(
        _NGINX + ' "$http_x_forwarded_for"' + _UPSTREAM, name="nginx_main_timing", mark=_mark(rb'" rt=')
    ),
    compile_nginx(
        _NGINX + " $request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] "
        "$upstream_addr $upstream_response_length $upstream_response_time $upstream_status $req_id",
        name="nginx_ingress",
        mark=_mark(rb'" \d+ \d+\.\d+ \['),
    ),
    compile_nginx(
        "[$time_local] $upstream_cache_status $upstream_status $status - $request_method $scheme $host "
        '"$request_uri" [Client $remote_addr] [Length $body_bytes_sent] [Gzip $gzip_ratio] [Sent-to $server] '
        '"$http_user_agent" "$http_referer"',
        name="nginx_proxy_manager",
        mark=_mark(rb"\[Sent-to "),
    ),
    compile_nginx(
        '[$time_local] $status - $request_method $scheme $host "$request_uri" [Client $remote_addr] '
        '[Length $body_bytes_sent] [Gzip $gzip_ratio] "$http_user_agent" "$http_referer"',
        name="nginx_proxy_manager_hosts",
        mark=_mark(rb"\[Client "),
    ),
)
"""https://nginx.org/en/docs/http/ngx_http_log_module.html;
https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/log-format/;
https://github.com/NginxProxyManager/nginx-proxy-manager (docker/rootfs/etc/nginx/conf.d/include/log.conf)."""


def _lines(
    name: str, text: str, mark: bytes, own: Mapping[str, Value], clock: Clock | None = None
) -> LineFormat:
    """Make a format of a text with variables: those of the table, nginx's, and others that are read over."""
    return LineFormat(name, tuple(parts_of(text, {**_OWN, **own})), clock, _mark(mark))


_RFC_3339 = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z"
_WORDS = "owner bucket requester id operation key error elb target rule arn cipher protocol tls acl created"
_OWN = {
    **dict.fromkeys(_WORDS.split(), Value("", WORD)),
    "time": Value("time", _RFC_3339),
    "address": Value("address", ADDRESS),
    "port": Value("", r":\d{1,5}"),
    "method": Value("method", WORD),
    "url": Value("target"),
    "size": Value("bytes", SIZE),
    "count": Value("", r"-|-?\d+"),
    "seconds": Value("duration_s", r"-?\d{1,9}(?:\.\d{1,9})?"),
    "ms": Value("duration_ms", r"-?\d{1,15}|-"),
    "us": Value("duration_us", r"\d{0,15}"),
    "referrer": Value("referrer"),
    "user_agent": Value("user_agent"),
    "xff": Value("forwarded"),
    "name": Value("host", WORD),
    "gap": Value("", " +"),
    "rest": Value("", ANY),
}
_ALB_TIMES = "$seconds $seconds $seconds $status $other_status $count $size"

_BALANCERS = (
    _lines(
        "aws_alb",
        f"$type $time $elb $address$port $target {_ALB_TIMES} "
        '"$request" "$user_agent" $cipher $protocol $arn "$trace" "$host_name" "$certificate" $rule $created '
        '"$actions" "$redirect" "$error_reason" "$targets" "$codes" "$class" "$reason"$rest',
        rb"(?m)^(?:https?|h2|grpcs?|wss?) \d{4}-",
        {"host_name": Value("host"), "other_status": Value("", STATUS), "type": Value("", "[a-z0-9]+")},
    ),
    _lines(
        "aws_elb",
        f'$time $elb $address$port $target {_ALB_TIMES} "$request" "$user_agent" $cipher $protocol',
        rb"\d{4}-\d{2}-\d{2}T[\d:.]+Z \S+ \S+:\d+ ",
        {"other_status": Value("", STATUS)},
    ),
    _lines(
        "haproxy_http",
        "$syslog$address$port [$time.$fraction] $frontend $backend $timers$ms $status $plus$size $cookie_in "
        '$cookie_out $state $connections $queue$headers "$request"',
        rb"\[\d{2}/[A-Za-z]{3}/\d{4}:\d{2}:\d{2}:\d{2}\.\d{3}\] ",
        {
            "syslog": Value("", r"(?:.*?\[\d+\]: )?"),
            "time": Value("time", Clock(("%d/%b/%Y:%H:%M:%S",)).expressions[0]),
            "fraction": Value("time", r"\d{3}"),
            **dict.fromkeys(("frontend", "backend", "cookie_in", "cookie_out"), Value("", WORD)),
            "timers": Value("", r"(?:-?\d+/)+\+?"),
            "status": Value("status", r"\d{1,4}|-1|-"),
            "plus": Value("", r"\+?"),  # of a size that was logged early
            "size": Value("bytes", r"\d{1,18}"),
            "state": Value("", r"[A-Za-z-]{4}"),
            **dict.fromkeys(("connections", "queue"), Value("", r"[\d/+]+")),
            "headers": Value("", r"(?: \{.*?\})*"),
        },
        Clock(("%d/%b/%Y:%H:%M:%S", "msec_frac")),
    ),
    _lines(
        "envoy",
        '[$time] "$request" $status $flags $count $size $ms $count "$xff" "$user_agent" '
        '"$trace" "$authority" "$upstream"',
        rb"\[\d{4}-\d{2}-\d{2}T[\d:.]+Z\] \"",
        {"flags": Value("", WORD), "authority": Value("host")},
    ),
    _lines(
        "envoy_istio",
        '[$time] "$request" $status $flags $details $end "$failure" $count $size $ms $count "$xff" '
        '"$user_agent" "$trace" "$authority" "$upstream"$rest',
        rb"\[\d{4}-\d{2}-\d{2}T[\d:.]+Z\] \"",
        {
            **dict.fromkeys(("flags", "details", "end"), Value("", WORD)),
            "authority": Value("host"),
        },
    ),
)
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html;
https://docs.haproxy.org/3.0/configuration.html#8.2.3;
https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage."""

_GCS_COLUMNS = (
    "time address ip_type ip_region method url status cs_bytes size us host_name referrer user_agent "
    "request_id operation bucket object"
)
_OTHERS = (
    _lines(
        "aws_s3",
        '$owner $bucket [$time] $address $requester $id $operation $key "$request" $status $error $size '
        '$count $ms $count "$referrer" "$user_agent" $id $id $protocol $cipher $acl $name$rest',
        rb" (?:REST|WEBSITE|SOAP|BATCH|S3)\.[A-Z.]+",
        {"time": Value("time", CLF_PATTERN)},
        ACCESS_FORMATS[0].clock,
    ),
    _lines(
        "gcs_usage",
        ",".join(f'"${name}"' for name in _GCS_COLUMNS.split()),
        rb"(?m)^\"\d{16}\",\"",
        {
            "time": Value("time", r"\d{13,17}"),
            "method": Value("method", ANY),
            "address": Value("address", ANY),
            "status": Value("status", r"\d{0,9}"),
            "size": Value("bytes", r"\d{0,18}"),
            "host_name": Value("host"),
            **dict.fromkeys(("operation", "bucket"), Value("")),
        },
    ),
    _lines(
        "squid",
        "$time$gap$ms $address $code/$status $size $method $url $user $hierarchy $type",
        rb"(?m)^\d{9,10}\.\d{3} +\d+ ",
        {
            "time": Value("time", r"\d{9,10}\.\d{3}"),
            "code": Value("", "[A-Z_]+"),
            "hierarchy": Value("", "[A-Z_]+/[^ ]*"),
            "type": Value("", "[^ ]+"),
        },
    ),
    LineFormat(
        "litespeed",
        (Value("", '"'), *ACCESS_FORMATS[1].parts, Value("", '"?')),
        ACCESS_FORMATS[1].clock,
        _mark(rb'(?m)^"[0-9a-fA-F.:\[]+ '),
    ),
)
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html;
https://cloud.google.com/storage/docs/access-logs; https://wiki.squid-cache.org/Features/LogFormat."""

_BEHIND_PROXY = (
    LineFormat(
        "forwarded_combined",
        (_FORWARDED, " ", *ACCESS_FORMATS[1].parts),
        ACCESS_FORMATS[1].clock,
        _mark(rb"(?m)^(?:-|[0-9a-fA-F.:]*[.:][0-9a-fA-F.:]*)(?:,? [0-9a-fA-F.:]+)+ "),
    ),
)
"""The forwarded addresses first, as guides to proxies have it."""

_EXTENDED_APACHE = (
    r'%v:%p %h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" %D "%{Accept-Language}i" "%{Sec-GPC}i"'
)
_EXTENDED_NGINX = (
    '$host:$server_port $remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
    '"$http_referer" "$http_user_agent" $request_time "$http_accept_language" "$http_sec_gpc"'
)
APACHE_LINE = f"LogFormat {json.dumps(_EXTENDED_APACHE)} logscrub"
"""Configuration of Apache whose logs tell all that the tables hold, and who opts out."""

NGINX_LINE = f"log_format logscrub '{_EXTENDED_NGINX}';"
"""The same of nginx."""

_EXTENDED = (
    compile_log_format(
        _EXTENDED_APACHE, name="apache_extended", mark=_mark(rb'" \d+ "[^"\n]*" "[^"\n]*"' + _END)
    ),
    compile_nginx(
        _EXTENDED_NGINX, name="nginx_extended", mark=_mark(rb'" \d+\.\d+ "[^"\n]*" "[^"\n]*"' + _END)
    ),
)

LINE_FORMATS: tuple[LineFormat, ...] = (
    *ACCESS_FORMATS[:2],
    *_BEHIND_PROXY,
    *ACCESS_FORMATS[2:],
    *_EXTENDED,
    *_NGINX_FORMATS,
    *_APACHE,
    *_BALANCERS,
    *_OTHERS,
)
"""All of them; where detection finds two equally good, the first wins."""
