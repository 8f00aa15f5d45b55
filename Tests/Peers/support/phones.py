"""Real phones without a head: baresip and linphone, on hosts of their own, with audio from and to files."""

import json
import pathlib
import re
import socket
import subprocess
import time

from .process import Process, eventually

MODULES = "/usr/lib/baresip/modules"


class Baresip:
    """baresip: plays a wave file, records what it hears, takes calls by itself."""

    def __init__(self, host, folder, user, password, domain, server, transport="udp", family=4,
                 srtp=False, play=None):
        self.host, self.user, self.domain = host, user, domain
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.server = server
        target = f"[{server}]" if ":" in server else server
        port = 5061 if transport == "tls" else 5060
        media = ";mediaenc=srtp-mand" if srtp else ""
        (self.folder / "accounts").write_text(
            f'<sip:{user}@{domain};transport={transport}>;auth_user={user};auth_pass={password}'
            f';outbound="sip:{target}:{port};transport={transport}"'
            f';answermode=auto;regint=120;audio_codecs=PCMA,PCMU{media}\n')
        (self.folder / "contacts").write_text("")
        (self.folder / "config").write_text("\n".join([
            "poll_method epoll",
            f"sip_listen {'[' + host.v6 + ']' if family == 6 else host.v4}:5060",
            "sip_verify_server no",
            "call_local_timeout 60", "call_max_calls 4",
            f"audio_source aufile,{play}" if play else "audio_source ausine,440",
            "audio_player aubridge,sink", "audio_alert aubridge,alert",
            "ausrc_srate 8000", "auplay_srate 8000", "ausrc_channels 1", "auplay_channels 1",
            f"rtp_timeout 60", "audio_level no",
            f"snd_path {self.folder}",
            f"module_path {MODULES}",
            "module g711.so", "module aufile.so", "module aubridge.so", "module ausine.so",
            "module sndfile.so", "module srtp.so",
            "module_tmp uuid.so", "module_tmp account.so",
            "module_app ctrl_tcp.so", "module_app menu.so",
            f"ctrl_tcp_listen 127.0.0.1:4444", ""]))
        self.process = Process(
            host.command("baresip", "-f", self.folder, "-6" if family == 6 else "-4", "-s"),
            self.folder / "log.txt")

    def registered(self, seconds=10):
        self.process.wait_for(r"\{\d/\w+/v[46]\} 200 OK", seconds)
        return self

    def command(self, name, parameters=""):
        """Sends a command to baresip's control socket, which lives on its own host."""
        message = json.dumps({"command": name, "params": parameters})
        script = ("import socket,sys;s=socket.create_connection(('127.0.0.1',4444),3);"
                  "m=sys.argv[1].encode();s.sendall(b'%d:%s,'%(len(m),m));s.settimeout(1);\n"
                  "try: print(s.recv(4096).decode(errors='replace'))\n"
                  "except TimeoutError: pass")
        return subprocess.run(self.host.command("python3", "-c", script, message),
                              capture_output=True, text=True, timeout=10).stdout

    def dial(self, number):
        self.command("dial", f"sip:{number}@{self.domain}")

    def hang_up(self):
        self.command("hangup")

    def established(self, seconds=10):
        self.process.wait_for(r"[Cc]all established", seconds)
        return self

    def closed(self, seconds=10):
        return self.process.wait_for(r"session closed|call: terminate|Call with .* terminated", seconds)

    def recording(self):
        """What it heard: sndfile writes dump-*-dec.wav for the decoded side."""
        files = sorted(self.folder.glob("dump-*-dec.wav"), key=lambda file: file.stat().st_size)
        if not files:
            raise AssertionError(f"baresip {self.user} recorded nothing:\n{self.process.output()[-3000:]}")
        return files[-1]

    def heard_bytes(self):
        return max((file.stat().st_size for file in self.folder.glob("dump-*-dec.wav")), default=0)

    def stop(self):
        self.process.stop()


class Linphone:
    """linphonec: commands on its standard input, wave files for sound card; `srtp` may be "zrtp"."""

    def __init__(self, host, folder, user, password, domain, server, transport="udp", family=4,
                 srtp=False, play=None):
        self.host, self.user, self.domain = host, user, domain
        self.folder = pathlib.Path(folder)
        (self.folder / ".local/share/linphone").mkdir(parents=True, exist_ok=True)
        self.heard = self.folder / "heard.wav"
        target = f"[{server}]" if ":" in server else server
        port = 5061 if transport == "tls" else 5060
        scheme = "sip"
        (self.folder / "linphonerc").write_text("\n".join([
            "[sip]",
            "sip_port=" + ("5060" if transport == "udp" else "0"),
            "sip_tcp_port=" + ("-1" if transport == "tcp" else "0"),
            "sip_tls_port=" + ("-1" if transport == "tls" else "0"),
            f"use_ipv6={1 if family == 6 else 0}", "guess_hostname=1", "default_proxy=0",
            "verify_server_certs=0", "verify_server_cn=0", "inc_timeout=30",
            f"media_encryption={'srtp' if srtp is True else srtp or 'none'}",
            f"media_encryption_mandatory={1 if srtp else 0}",
            "[rtp]", "audio_rtp_port=7078",
            f"zrtp_cache_db_path={self.folder}/zrtp.db",
            "[sound]", "echocancellation=0", "agc=0", "use_files=1",
            "[audio_codec_0]", "mime=PCMA", "rate=8000", "channels=1", "enabled=1",
            "[audio_codec_1]", "mime=PCMU", "rate=8000", "channels=1", "enabled=1",
            "[audio_codec_2]", "mime=opus", "rate=48000", "channels=2", "enabled=0",
            "[audio_codec_3]", "mime=speex", "rate=16000", "channels=1", "enabled=0",
            "[audio_codec_4]", "mime=speex", "rate=8000", "channels=1", "enabled=0",
            "[video]", "capture=0", "display=0", "enabled=0",
            "[net]", "mtu=0", "nat_policy_ref=",
            "[proxy_0]", f"reg_proxy=<{scheme}:{target}:{port};transport={transport}>",
            f"reg_route=<{scheme}:{target}:{port};transport={transport};lr>",
            f"reg_identity=sip:{user}@{domain}", "reg_expires=120", "reg_sendregister=1", "publish=0",
            "[auth_info_0]", f"username={user}", f"passwd={password}", f"realm={domain}",
            f"domain={domain}", ""]))
        self.process = Process(
            host.command("linphonec", "-d", "5", "-l", self.folder / "debug.txt", "-a", "-c", self.folder / "linphonerc"),
            self.folder / "log.txt", stdin=subprocess.PIPE, environment={"HOME": str(self.folder)})
        self.process.wait_for("linphonec>", 10)
        self.process.say("soundcard use files")
        if play:
            self.process.say(f"play {play}")
        self.process.say(f"record {self.heard}")

    def registered(self, seconds=15):
        # Its prompt says nothing of it; its log does.
        self._logged("LinphoneRegistrationOk", seconds)
        return self

    def dial(self, number):
        self.process.say(f"call sip:{number}@{self.domain}")

    def hang_up(self):
        self.process.say("terminate")

    def established(self, seconds=10):
        self._logged("LinphoneCallStreamsRunning", seconds)
        return self

    def closed(self, seconds=10):
        return self._logged("LinphoneCallEnd", seconds)

    def recording(self):
        return self.heard

    def heard_bytes(self):
        return self.heard.stat().st_size if self.heard.exists() else 0

    def secret(self, seconds=10):
        """The words that its user would read out to the other, to be sure of the keys (RFC 6189 §7)."""
        log = self.folder / "debug.txt"
        return eventually(lambda: re.search(r"SAS is (\w+)", log.read_text(errors="replace")), seconds, "keys by ZRTP").group(1)

    def _logged(self, text, seconds):
        log = self.folder / "debug.txt"
        eventually(lambda: log.exists() and text in log.read_text(errors="replace"), seconds,
                   f"{text} of linphone {self.user}")

    def stop(self):
        try:
            self.process.say("quit")
            self.process.wait(5)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            pass
        self.process.stop()
