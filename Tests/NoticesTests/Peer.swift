import Foundation
import Store

/// What a child process has said so far.
private struct Output: Sendable {
  var lines: [String] = []
  var isEnded = false
}

/// A child process that speaks one JSON object a line, ended with the test.
final class Peer: @unchecked Sendable {
  private let process = Process()
  private let output = Monitor(Output())
  /// Where it listens.
  private(set) var port = 0

  /// Runs a Python script, whose first line of output is its port; `options` are its argument, as JSON.
  init(_ script: String, options: [String: Any]) throws {
    let pipe = Pipe()
    // Debian's own, which sees the packages of Debian.
    process.executableURL = URL(filePath: "/usr/bin/python3")
    let argument = try JSONSerialization.data(withJSONObject: options)
    process.arguments = ["-u", "-c", script, String(decoding: argument, as: UTF8.self)]
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    let (output, handle) = (output, pipe.fileHandleForReading)
    ServiceThread.start("peer") {
      var rest = Data()
      while true {
        let data = handle.availableData
        guard !data.isEmpty else {
          return output.change {
            $0.isEnded = true
            return true
          }
        }
        rest += data
        while let end = rest.firstIndex(of: 10) {
          let line = String(decoding: rest[rest.startIndex..<end], as: UTF8.self)
          rest = Data(rest[(end + 1)...])
          output.change {
            $0.lines.append(line)
            return true
          }
        }
      }
    }
    guard let first = line(0), let port = Int(first) else { throw NotStarted(script: script) }
    self.port = port
  }

  struct NotStarted: Error {
    let script: String
  }

  deinit {
    // Not SIGTERM: threads of the test runner block it, and children inherit that.
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  private func line(_ index: Int) -> String? {
    output.wait(for: .seconds(20), until: { $0.isEnded || $0.lines.count > index }) {
      $0.lines.count > index ? $0.lines[index] : nil
    }
  }

  /// The message with this number, counted from 0; waits for it.
  func message(_ index: Int) -> [String: String]? {
    line(index + 1).flatMap {
      try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: String]
    }
  }

  /// How many messages were read from it until now; one just acknowledged may still be on its way, so wait for it
  /// by its number first.
  var messageCount: Int { output.withLock { $0.lines.count - 1 } }
}

extension Peer {
  /// aiosmtpd, which prints each mail it takes as Python's own mail parser understands it.
  static func mailServer(
    port: Int = 0, refusals: Int = 0, certificate: Certificate? = nil, isImplicitTLS: Bool = false,
    password: String? = nil
  ) throws -> Peer {
    var options: [String: Any] = [
      "port": port, "refusals": refusals, "implicit": isImplicitTLS,
    ]
    if let certificate { options["certificate"] = certificate.path }
    if let password { options["password"] = password }
    return try Peer(
      """
      import asyncio, email, email.policy, json, socket, ssl, sys
      from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
      options = json.loads(sys.argv[1])
      class Handler:
        async def handle_DATA(self, server, session, envelope):
          if options["refusals"] > 0:
            options["refusals"] -= 1
            return "451 4.3.0 not now"
          mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
          print(json.dumps({
            "from": envelope.mail_from, "to": ",".join(envelope.rcpt_tos),
            "names": ",".join(mail.keys()), "subject": mail["subject"], "header_to": mail["to"],
            "date": mail["date"], "id": mail["message-id"], "importance": mail["importance"] or "",
            "text": mail.get_content(), "defects": str(mail.defects),
            "raw": envelope.content.decode("latin-1"),
            "tls": str(session.ssl is not None), "login": str(session.authenticated)}))
          return "250 taken"
      def authenticate(server, session, envelope, mechanism, data):
        right = isinstance(data, LoginPassword) and data.password.decode() == options["password"]
        return AuthResult(success=right, handled=False)
      async def main():
        context = None
        if "certificate" in options:
          context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
          context.load_cert_chain(options["certificate"])
        arguments = {"hostname": "sink"}
        if "password" in options:
          arguments |= {"auth_required": True, "authenticator": authenticate,
                        "auth_require_tls": context is not None and not options["implicit"]}
        if context and not options["implicit"]:
          arguments |= {"tls_context": context, "require_starttls": True}
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", options["port"]))
        server = await asyncio.get_running_loop().create_server(
          lambda: SMTP(Handler(), **arguments), sock=listener,
          ssl=context if options["implicit"] else None)
        print(listener.getsockname()[1])
        await server.serve_forever()
      asyncio.run(main())
      """, options: options)
  }

  /// An HTTP listener that gives the answers of `statuses` in turn, then 200.
  static func webServer(statuses: [Int] = []) throws -> Peer {
    try Peer(
      """
      import http.server, json, sys
      options = json.loads(sys.argv[1])
      class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def do_POST(self):
          body = self.rfile.read(int(self.headers["content-length"]))
          status = options["statuses"].pop(0) if options["statuses"] else 200
          message = {name.lower(): value for name, value in self.headers.items()}
          message |= {"body": body.decode(), "path": self.path}
          print(json.dumps(message))
          self.send_response(status)
          if status == 302: self.send_header("location", "/elsewhere")
          self.send_header("content-length", "2")
          self.end_headers()
          self.wfile.write(b"ok")
        def log_message(self, *arguments): pass
      server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
      print(server.server_address[1])
      server.serve_forever()
      """, options: ["statuses": statuses])
  }

  /// A port of this machine that nobody listens on at this moment.
  static func freePort() throws -> Int {
    try Peer(
      """
      import socket
      listener = socket.socket()
      listener.bind(("127.0.0.1", 0))
      print(listener.getsockname()[1])
      """, options: [:]
    ).port
  }
}

/// A self-signed certificate for 127.0.0.1, key and certificate in one file.
final class Certificate: Sendable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "martinet-test-\(UUID().uuidString).pem"
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [
      "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
      "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
      "-keyout", path, "-out", path + ".crt",
    ]
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    let certificate = try Data(contentsOf: URL(filePath: path + ".crt"))
    let key = try Data(contentsOf: URL(filePath: path))
    try (key + certificate).write(to: URL(filePath: path))
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
    try? FileManager.default.removeItem(atPath: path + ".crt")
  }
}
