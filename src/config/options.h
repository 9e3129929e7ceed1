/*
 * options - every option of the daemon, once.
 *
 * From this table come the fields of struct config, the parser, the defaults, --help-config,
 * data/florus.conf and the tests that compare the manual with it. An option is added here and nowhere else.
 *
 * Columns: type, field, key, default (NULL: not set, or worked out at the start), min, max, words, flags, doc.
 *   STR       const char *, NULL when not set
 *   INT       int, min … max
 *   BOOL      bool, true or false in any case
 *   BYTES     int64_t, 10, 10k, 10m, 10g; min … max in bytes
 *   DURATION  int64_t, milliseconds, 10ms, 10s, 10m, 10h, 10d; min … max in milliseconds
 *   WORD      int, the place of the value in words (separated by |), from 0
 */
#pragma once

enum {
	CONFIG_RELOADABLE = 1 << 0, /* may change while the daemon runs */
	CONFIG_SECRET = 1 << 1,     /* never shown */
};

#define CONFIG_KIB 1024LL
#define CONFIG_MIB (1024 * CONFIG_KIB)
#define CONFIG_GIB (1024 * CONFIG_MIB)
#define CONFIG_HOUR_MS 3600000LL
#define CONFIG_YEAR_MS (365 * 24 * CONFIG_HOUR_MS)

#define CONFIG_ENV_PASS                                                                                             \
	"PATH,HOME,USER,LOGNAME,LANG,LC_ALL,TZ,TMPDIR,JAVA_HOME,SPARK_HOME,SPARK_CONF_DIR,SPARK_LOCAL_DIRS,"        \
	"SPARK_LOCAL_IP,HADOOP_HOME,HADOOP_CONF_DIR,YARN_CONF_DIR,PYTHONPATH,PYSPARK_PYTHON,PYSPARK_DRIVER_PYTHON," \
	"LD_LIBRARY_PATH,KRB5CCNAME,KRB5_CONFIG,R_HOME,VIRTUAL_ENV"
/* TLS 1.3 and 1.2 with forward secrecy and authenticated encryption; AES-128-GCM first, since it costs the least. */
#define CONFIG_TLS_PRIORITIES                                                                            \
	"PERFORMANCE:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-DHE-RSA:-AES-256-CBC:-AES-128-CBC:-SHA1:" \
	"-SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:%SERVER_PRECEDENCE"
#define CONFIG_URL_HOSTS "github.com,raw.githubusercontent.com,repo1.maven.org"
#define CONFIG_CSP "default-src 'self'; script-src 'self' 'unsafe-inline'; img-src 'self'; frame-src 'self';"

/* clang-format off */
#define CONFIG_OPTIONS_LIVY(X) \
	X(STR, livy_server_host, "livy.server.host", "127.0.0.1", 0, 0, NULL, 0, \
	  "Address to listen on. Any but a loopback address needs authentication or florus.auth.allow-none.") \
	X(INT, livy_server_port, "livy.server.port", "8998", 0, 65535, NULL, 0, \
	  "Port to listen on; 0 takes a free one, which is then in the file url of the state directory.") \
	X(STR, livy_server_spark_home, "livy.server.spark-home", NULL, 0, 0, NULL, 0, \
	  "Where Spark is: the directory of bin/spark-submit. Not set: $SPARK_HOME.") \
	X(STR, livy_spark_master, "livy.spark.master", "local", 0, 0, NULL, 0, \
	  "Master of every job, whatever the job asks for. local uses one core of this machine, local[*] all.") \
	X(STR, livy_spark_deploy_mode, "livy.spark.deploy-mode", NULL, 0, 0, NULL, 0, \
	  "Deploy mode of every job: client or cluster. Not set: Spark decides.") \
	X(STR, livy_file_local_dir_whitelist, "livy.file.local-dir-whitelist", NULL, 0, 0, NULL, 0, \
	  "Directories of this machine that jobs may name files in, separated by commas. Not set: none.") \
	X(BYTES, livy_file_upload_max_size, "livy.file.upload.max.size", "100m", 1, 64 * CONFIG_GIB, NULL, 0, \
	  "Largest file that may be uploaded to a session.") \
	X(STR, livy_spark_file_list_configs, "livy.spark.file-list-configs", NULL, 0, 0, NULL, 0, \
	  "Further conf keys of jobs that hold lists of paths, which are then judged like spark.files.") \
	X(BOOL, livy_server_session_allow_custom_classpath, "livy.server.session.allow-custom-classpath", "false", 0, 0, \
	  NULL, 0, "Whether jobs may set spark.submit.deployMode and bring classes to a proxy user's spark-submit.") \
	X(DURATION, livy_server_session_state_retain_ms, "livy.server.session.state-retain.sec", "600s", \
	  0, 10 * CONFIG_YEAR_MS, NULL, CONFIG_RELOADABLE, \
	  "How long lists show a finished job. A duration, despite the name.") \
	X(BOOL, livy_server_session_timeout_check, "livy.server.session.timeout-check", "true", 0, 0, NULL, 0, \
	  "Whether interactive sessions that nobody uses are ended.") \
	X(DURATION, livy_server_session_timeout_ms, "livy.server.session.timeout", "1h", 1, 10 * CONFIG_YEAR_MS, NULL, 0, \
	  "How long a session may be without a statement; a session's own idleTimeout beats it.") \
	X(BOOL, livy_server_session_ttl_check, "livy.server.session.ttl-check", "false", 0, 0, NULL, 0, \
	  "Whether sessions are ended after a time, used or not.") \
	X(DURATION, livy_server_session_ttl_ms, "livy.server.session.ttl", "8h", 1, 10 * CONFIG_YEAR_MS, NULL, 0, \
	  "That time; a session's own ttl beats it.") \
	X(BOOL, livy_repl_enable_hive_context, "livy.repl.enable-hive-context", "false", 0, 0, NULL, 0, \
	  "Whether sessions have Hive support.") \
	X(DURATION, livy_rsc_server_connect_timeout_ms, "livy.rsc.server.connect.timeout", "90s", 1000, 24 * CONFIG_HOUR_MS, \
	  NULL, 0, "How long a session may take to come up, once its process runs. One that takes longer is ended.") \
	X(INT, livy_rsc_sql_num_rows, "livy.rsc.sql.num-rows", "1000", 1, 1000000, NULL, 0, \
	  "Most rows that a statement of SQL answers.") \
	X(BYTES, livy_server_request_header_size_bytes, "livy.server.request-header.size", "131072", \
	  4 * CONFIG_KIB, CONFIG_MIB, NULL, 0, "Longest header block of a request.") \
	X(BOOL, livy_server_security_headers_enabled, "livy.server.security-headers.enabled", "true", 0, 0, NULL, 0, \
	  "Whether answers carry the headers below. An empty value leaves one of them out.") \
	X(STR, livy_server_http_header_x_xss_protection, "livy.server.http.header.X-XSS-Protection", \
	  "1; mode=block", 0, 0, NULL, 0, "Header X-XSS-Protection.") \
	X(STR, livy_server_http_header_x_frame_options, "livy.server.http.header.X-Frame-Options", \
	  "SAMEORIGIN", 0, 0, NULL, 0, "Header X-Frame-Options.") \
	X(STR, livy_server_http_header_x_content_type_options, "livy.server.http.header.X-Content-Type-Options", \
	  "nosniff", 0, 0, NULL, 0, "Header X-Content-Type-Options.") \
	X(STR, livy_server_http_header_strict_transport_security, "livy.server.http.header.Strict-Transport-Security", \
	  "max-age=31536000; includeSubDomains", 0, 0, NULL, 0, "Header Strict-Transport-Security, sent only with TLS.") \
	X(STR, livy_server_http_header_content_security_policy, "livy.server.http.header.Content-Security-Policy", \
	  CONFIG_CSP, 0, 0, NULL, 0, "Header Content-Security-Policy.") \
	X(BOOL, livy_ui_enabled, "livy.ui.enabled", "true", 0, 0, NULL, 0, \
	  "Whether there is a web page, at /ui.") \
	X(STR, livy_server_auth_type, "livy.server.auth.type", NULL, 0, 0, NULL, 0, \
	  "How clients prove who they are: basic, token, proxy, ldap, kerberos, or several by commas. Not set: not at all.") \
	X(STR, livy_server_auth_ldap_url, "livy.server.auth.ldap.url", NULL, 0, 0, NULL, 0, \
	  "Directory that passwords are asked of, such as ldap://ldap.example.org:389.") \
	X(STR, livy_server_auth_ldap_base_dn, "livy.server.auth.ldap.base-dn", NULL, 0, 0, NULL, 0, \
	  "Users bind as uid=NAME,<this>. Not set: as their bare name.") \
	X(STR, livy_server_auth_ldap_username_domain, "livy.server.auth.ldap.username-domain", NULL, 0, 0, NULL, 0, \
	  "Put behind the name with an @.") \
	X(BOOL, livy_server_auth_ldap_enable_start_tls, "livy.server.auth.ldap.enable-start-tls", "false", 0, 0, NULL, 0, \
	  "Whether the directory is asked over StartTLS.") \
	X(STR, livy_server_auth_kerberos_principal, "livy.server.auth.kerberos.principal", NULL, 0, 0, NULL, 0, \
	  "Our name, HTTP/host@REALM; HTTP/_HOST@REALM takes this host's. Not set, or *: each HTTP/ of the keytab.") \
	X(STR, livy_server_auth_kerberos_keytab, "livy.server.auth.kerberos.keytab", NULL, 0, 0, NULL, 0, \
	  "File with the keys of that principal, for livy.server.auth.type = kerberos.") \
	X(STR, livy_server_auth_kerberos_name_rules, "livy.server.auth.kerberos.name-rules", "DEFAULT", 0, 0, NULL, 0, \
	  "Which user a principal is: Hadoop's rules, RULE:[n:format](regex)s/from/to/gL or DEFAULT, by blanks.") \
	X(STR, livy_superusers, "livy.superusers", NULL, 0, 0, NULL, 0, \
	  "Users who may do everything, and act for others. Lists of users go by commas or blanks; * is everybody.") \
	X(BOOL, livy_impersonation_enabled, "livy.impersonation.enabled", "false", 0, 0, NULL, 0, \
	  "Whether jobs run as the user who sent them, or whom a superuser names. Needs authentication.") \
	X(BOOL, livy_server_access_control_enabled, "livy.server.access-control.enabled", "false", 0, 0, NULL, 0, \
	  "Whether logs and deletion are for the owner of a job and the users below. Needs authentication.") \
	X(STR, livy_server_access_control_allowed_users, "livy.server.access-control.allowed-users", "*", 0, 0, NULL, 0, \
	  "With access control: users who may use this server at all, besides those below.") \
	X(STR, livy_server_access_control_modify_users, "livy.server.access-control.modify-users", NULL, 0, 0, NULL, 0, \
	  "With access control: users who may delete every job, and read every log.") \
	X(STR, livy_server_access_control_view_users, "livy.server.access-control.view-users", NULL, 0, 0, NULL, 0, \
	  "With access control: users who may read every log.") \
	X(BOOL, livy_server_csrf_protection_enabled, "livy.server.csrf-protection.enabled", "false", 0, 0, NULL, 0, \
	  "Whether changes need the header X-Requested-By, which a page of another site cannot send.") \
	X(STR, livy_keystore, "livy.keystore", NULL, 0, 0, NULL, 0, \
	  "Java key store for TLS. Refuses to start unless florus.tls.cert is set in its place, and says how to convert it.") \
	X(STR, livy_keystore_password, "livy.keystore.password", NULL, 0, 0, NULL, CONFIG_SECRET, \
	  "Password of livy.keystore.") \
	X(STR, livy_key_password, "livy.key-password", NULL, 0, 0, NULL, CONFIG_SECRET, \
	  "Password of the key in livy.keystore.")

#define CONFIG_OPTIONS_FLORUS(X) \
	X(STR, florus_state_dir, "florus.state-dir", NULL, 0, 0, NULL, 0, \
	  "Where jobs and their logs are kept. Not set: $STATE_DIRECTORY, else /var/lib/florus for root, " \
	  "else $XDG_STATE_HOME/florus or ~/.local/state/florus.") \
	X(INT, florus_launch_max_running, "florus.launch.max-running", "0", 0, 100000, NULL, CONFIG_RELOADABLE, \
	  "How many jobs run at the same time; further ones wait. 0: as many as this machine has cores.") \
	X(BOOL, florus_launch_hold, "florus.launch.hold", "false", 0, 0, NULL, CONFIG_RELOADABLE, \
	  "Whether jobs are accepted but none is started.") \
	X(STR, florus_launch_run_as, "florus.launch.run-as", "self", 0, 0, NULL, 0, \
	  "Whom jobs run as: self (the user of florusd), owner (who sent them), or the name of a user. Needs root.") \
	X(INT, florus_launch_min_uid, "florus.launch.min-uid", "1000", 1, 2147483647, NULL, 0, \
	  "Lowest uid of an owner that jobs may run as.") \
	X(WORD, florus_launch_landlock, "florus.launch.landlock", "auto", 0, 0, "auto|on|off", 0, \
	  "Whether Landlock keeps jobs out of the state directory. auto: where jobs do not notice.") \
	X(STR, florus_launch_shim, "florus.launch.shim", NULL, 0, 0, NULL, 0, \
	  "Path of florus-shim. Not set: beside florusd, else ../libexec/florus from there, else /usr/libexec/florus.") \
	X(INT, florus_queue_max, "florus.queue.max", "10000", 1, 10000000, NULL, CONFIG_RELOADABLE, \
	  "How many jobs may wait; further ones are refused with 429.") \
	X(INT, florus_queue_max_per_user, "florus.queue.max-per-user", "0", 0, 10000000, NULL, CONFIG_RELOADABLE, \
	  "How many jobs of one user may wait; further ones of his are refused with 429. 0: as many as of all.") \
	X(INT, florus_session_max, "florus.session.max", "100", 1, 100000, NULL, 0, \
	  "How many interactive sessions run at the same time; further ones wait.") \
	X(INT, florus_session_max_per_user, "florus.session.max-per-user", "0", 0, 100000, NULL, 0, \
	  "How many sessions one user may have; further ones of his are refused with 429. 0: no limit.") \
	X(STR, florus_session_warm, "florus.session.warm", NULL, 0, 0, NULL, 0, \
	  "Sessions to keep ready for whoever asks for no more than the kind: KIND:NUMBER by commas, such as pyspark:2. Not set: none.") \
	X(BYTES, florus_session_output_max_bytes, "florus.session.output-max", "8m", CONFIG_KIB, 8 * CONFIG_MIB, NULL, 0, \
	  "Most that one statement may answer: longer text is cut, larger data is an error.") \
	X(STR, florus_session_driver, "florus.session.driver", NULL, 0, 0, NULL, 0, \
	  "Path of florus_session.py, the program of a session. Not set: beside florusd, else ../share/florus/driver from there, " \
	  "else /usr/share/florus/driver.") \
	X(STR, florus_session_package, "florus.session.package", NULL, 0, 0, NULL, 0, \
	  "Path of florus.zip, what that program imports on another host. Not set: beside it or beside florusd.") \
	X(STR, florus_session_address, "florus.session.address", NULL, 0, 0, NULL, 0, \
	  "host:port where drivers on other hosts reach this server, for sessions in cluster mode. Not set: there are none.") \
	X(STR, florus_session_listen, "florus.session.listen", NULL, 0, 0, NULL, 0, \
	  "host:port to listen on for them, when that is another address of this host. Not set: florus.session.address.") \
	X(WORD, florus_session_dial, "florus.session.dial", "auto", 0, 0, "auto|network", 0, \
	  "How drivers reach this server: auto (through this host, or the network in cluster mode), network (always, as for " \
	  "drivers that run in containers).") \
	X(DURATION, florus_kill_grace_ms, "florus.kill.grace", "10s", 0, CONFIG_HOUR_MS, NULL, CONFIG_RELOADABLE, \
	  "How long a deleted job may take to stop by itself (TERM) before it is stopped (KILL).") \
	X(DURATION, florus_history_retain_ms, "florus.history.retain", "30d", 0, 100 * CONFIG_YEAR_MS, NULL, \
	  CONFIG_RELOADABLE, "How long a finished job and its log are kept.") \
	X(BYTES, florus_log_max_bytes, "florus.log.max", "1g", 0, 1024 * 1024 * CONFIG_GIB, NULL, 0, \
	  "Most bytes a job's log takes on disk: beyond, the middle is dropped, begin and end stay. 0: no limit.") \
	X(WORD, florus_log_level, "florus.log.level", "info", 0, 0, "error|warn|info|debug", CONFIG_RELOADABLE, \
	  "How much florusd itself logs, on stderr.") \
	X(STR, florus_http_base_path, "florus.http.base-path", "", 0, 0, NULL, 0, \
	  "Prefix under which a proxy shows this server, such as /spark. Stripped from requests, put before links.") \
	X(BYTES, florus_http_body_max_bytes, "florus.http.body-max", "1m", CONFIG_KIB, 16 * CONFIG_MIB, NULL, 0, \
	  "Longest body of a request.") \
	X(INT, florus_http_connections_max, "florus.http.connections-max", "20000", 1, 1000000, NULL, 0, \
	  "Most connections at the same time; probes and kills still get in beyond. " \
	  "The limit of open files (ulimit -n) may allow fewer.") \
	X(INT, florus_http_connections_per_address, "florus.http.connections-per-address", "1024", 0, 1000000, NULL, 0, \
	  "Most connections of one address (IPv6: of one /64). This machine and florus.auth.proxy-peers have no such limit. " \
	  "0: nobody has.") \
	X(DURATION, florus_http_header_timeout_ms, "florus.http.header-timeout", "10s", 1, 24 * CONFIG_HOUR_MS, NULL, 0, \
	  "How long a client may take to send the headers of a request.") \
	X(DURATION, florus_http_body_timeout_ms, "florus.http.body-timeout", "30s", 1, 24 * CONFIG_HOUR_MS, NULL, 0, \
	  "How long a client may take to send the body of a request.") \
	X(DURATION, florus_http_reply_timeout_ms, "florus.http.reply-timeout", "60s", 1, 24 * CONFIG_HOUR_MS, NULL, 0, \
	  "How long a client may take to read an answer.") \
	X(DURATION, florus_http_idle_timeout_ms, "florus.http.idle-timeout", "60s", 1, 24 * CONFIG_HOUR_MS, NULL, 0, \
	  "How long a connection may stay open without a request.") \
	X(STR, florus_tls_cert, "florus.tls.cert", NULL, 0, 0, NULL, 0, \
	  "Certificate in PEM form, with its chain. Set: HTTPS, and only that. SIGHUP reads it anew.") \
	X(STR, florus_tls_key, "florus.tls.key", NULL, 0, 0, NULL, 0, \
	  "Key of florus.tls.cert in PEM form, closed to other users. Not set: in the same file.") \
	X(STR, florus_tls_client_ca, "florus.tls.client-ca", NULL, 0, 0, NULL, 0, \
	  "Certificates in PEM form: clients must show one that these have signed. Not set: nobody is asked.") \
	X(STR, florus_tls_priorities, "florus.tls.priorities", CONFIG_TLS_PRIORITIES, 0, 0, NULL, 0, \
	  "Protocols and ciphers, in the words of GnuTLS.") \
	X(STR, florus_http_allowed_hosts, "florus.http.allowed-hosts", NULL, 0, 0, NULL, 0, \
	  "Names by which clients may address this server, by commas; * any. Not set: any, but with neither authentication " \
	  "nor a network address only localhost and livy.server.host, so that no foreign web page gets at it.") \
	X(STR, florus_auth_users_file, "florus.auth.users-file", NULL, 0, 0, NULL, 0, \
	  "Users and their password hashes, for livy.server.auth.type = basic; florus passwd writes it.") \
	X(STR, florus_auth_tokens_file, "florus.auth.tokens-file", NULL, 0, 0, NULL, 0, \
	  "Hashes of bearer tokens, for livy.server.auth.type = token; florus token writes it.") \
	X(STR, florus_auth_proxy_header, "florus.auth.proxy-header", NULL, 0, 0, NULL, 0, \
	  "Header in which a trusted proxy names the user, for livy.server.auth.type = proxy.") \
	X(STR, florus_auth_proxy_peers, "florus.auth.proxy-peers", NULL, 0, 0, NULL, 0, \
	  "Addresses or networks of the proxies that are believed, by commas: 10.1.2.3, 10.9.0.0/16, ::1.") \
	X(DURATION, florus_auth_cache_ms, "florus.auth.cache", "5m", 0, 24 * CONFIG_HOUR_MS, NULL, 0, \
	  "How long a password that was right is believed without hashing it again.") \
	X(DURATION, florus_auth_cookie_ms, "florus.auth.cookie", "10h", 0, 7 * 24 * CONFIG_HOUR_MS, NULL, 0, \
	  "How long the cookie of who came by Kerberos is good, and no longer than his ticket. 0: no cookies.") \
	X(BOOL, florus_auth_allow_none, "florus.auth.allow-none", "false", 0, 0, NULL, 0, \
	  "Whether everyone who reaches a non-loopback livy.server.host may run jobs.") \
	X(STR, florus_job_env_pass, "florus.job.env-pass", CONFIG_ENV_PASS, 0, 0, NULL, 0, \
	  "Variables of the daemon's environment that jobs get, separated by commas.") \
	X(STR, florus_job_allow, "florus.job.allow", NULL, 0, 0, NULL, 0, \
	  "Groups of conf keys that jobs may set although they reach past the job: packages, java-options, classpath, " \
	  "listeners, keytabs, kubernetes, filesystems, commands, or * for all. Not set: none.") \
	X(STR, florus_job_url_hosts, "florus.job.url-hosts", CONFIG_URL_HOSTS, 0, 0, NULL, 0, \
	  "Hosts that jobs may take files from by https: github.com, *.example.org, nexus.corp:8443, http://old.corp, " \
	  "* for every name.") \
	X(STR, florus_share_url, "florus.share.url", NULL, 0, 0, NULL, 0, \
	  "Where clusters reach this server, such as http://gateway:8998: files of this host that a job names are then fetched from here. " \
	  "Not set: clusters must have them.") \
	X(DURATION, florus_share_ttl_ms, "florus.share.ttl", "7d", 1000, 10 * CONFIG_YEAR_MS, NULL, 0, \
	  "How long after its submission a job can fetch them; no longer than it runs.")

#define CONFIG_OPTIONS(X) CONFIG_OPTIONS_LIVY(X) CONFIG_OPTIONS_FLORUS(X)
/* clang-format on */

enum config_type { CONFIG_STR, CONFIG_INT, CONFIG_BOOL, CONFIG_BYTES, CONFIG_DURATION, CONFIG_WORD, CONFIG_TYPE_COUNT };
