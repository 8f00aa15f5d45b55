import Directory
import Elements
import Foundation
import Notices
import Store
import Testing

@Suite struct MailTests {
  private func server(_ peer: Peer, scheme: String = "smtp") -> MailServer {
    MailServer(url: "\(scheme)://127.0.0.1:\(peer.port)", from: "martinet@office.example")
  }

  @Test("I6: the mail of a block says everything")
  func block() throws {
    let (bench, peer) = (try OutboxBench(), try Peer.mailServer())
    try bench.serve(OutboxBench.settings(mail: server(peer))) { _ in
      try bench.database.raise(OutboxBench.alert())
      let mail = try #require(peer.message(0))
      #expect(mail["from"] == "martinet@office.example" && mail["to"] == OutboxBench.mail)
      #expect(mail["subject"] == "[critical] Outgoing paid calls blocked: office 101")
      #expect(mail["importance"] == "high" && mail["defects"] == "[]")
      let text = try #require(mail["text"])
      for word in [
        "When:", "10.00 EUR", "9.50 EUR", "2.50 EUR", "203.0.113.7:5060",
        "Desk phone 3.1", "+88213000", "martinet limits unblock --tenant office --extension 101",
        "Incoming, internal and emergency calls go on",
      ] { #expect(text.contains(word), "\(word)") }
      #expect(bench.wait(for: OutboxBench.isDelivered))
    }
    let standing = try TenantScope(OutboxBench.office, as: .operator, in: bench.database).alerts()
    #expect(standing.first?.acknowledged == 1)
  }

  @Test("The operator's mail about a trunk or the platform has the command that lifts its block")
  func blockOfAll() throws {
    let (bench, peer) = (try OutboxBench(), try Peer.mailServer())
    let settings = NoticeSettings(
      mail: server(peer), platform: .init(name: "platform", mail: [OutboxBench.mail]))
    let subjects: [([Alert.Fact], String)] = [
      ([.init("subject", "main"), .init("trunk", "main")], "limits unblock --trunk main"),
      (
        [.init("subject", "the platform"), .init("trunk", "the platform")],
        "limits unblock --trunk 'the platform'"
      ),
      ([.init("subject", "the platform")], "limits unblock --platform"),
      ([.init("subject", "account 7")], "limits show"),
    ]
    try bench.serve(settings) { _ in
      for (index, (facts, command)) in subjects.enumerated() {
        try bench.database.raise(
          Alert(
            .accountBlocked, .critical, tenant: nil, at: OutboxService.wallTime(),
            key: "block-\(index)", facts: facts))
        let text = try #require(peer.message(index)?["text"])
        let lines = text.split(whereSeparator: \.isNewline).map {
          $0.trimmingCharacters(in: .whitespaces)
        }
        #expect(lines.contains("martinet " + command), "\(text)")
      }
    }
  }

  @Test("A46: what a caller sent cannot add a header, a recipient or a line")
  func injection() throws {
    let (bench, peer) = (try OutboxBench(), try Peer.mailServer())
    let evil = "x\r\nBcc: victim@elsewhere.example\r\n.\r\nMAIL FROM:<a@b>\n\u{2028}\u{202E}é\u{0}"
    try bench.serve(OutboxBench.settings(mail: server(peer))) { _ in
      try bench.database.raise(
        OutboxBench.alert(
          "key\r\nX-Evil: 1",
          facts: [.init("subject", "office 1'; \(evil)"), .init(evil, evil)]))
      let mail = try #require(peer.message(0))
      let names = mail["names"]?.lowercased().split(separator: ",").map(String.init) ?? []
      #expect(
        Set(names) == [
          "date", "from", "to", "subject", "message-id", "auto-submitted", "mime-version",
          "content-type", "content-transfer-encoding", "importance",
        ])
      #expect(mail["to"] == OutboxBench.mail && mail["defects"] == "[]")
      #expect(mail["subject"]?.contains("\n") == false)
      #expect(mail["text"]?.contains("\nBcc:") == false)
      #expect(mail["text"]?.contains("\n.\n") == false)
      #expect(mail["text"]?.contains("\u{202E}") == false)
      #expect(mail["text"]?.contains("é") == true, "harmless letters stay")
      let quoted = "unblock --tenant office --extension '1'\\''; x"
      #expect(mail["text"]?.contains(quoted) == true, "quoted for a shell")
      #expect(mail["raw"]?.utf8.allSatisfy { $0 < 128 } == true)
    }
  }

  @Test("RFC 2047, RFC 2045: long and foreign text arrives whole, in short lines")
  func longText() throws {
    let (bench, peer) = (try OutboxBench(), try Peer.mailServer())
    let name = "Zażółć gęślą jaźń, " + String(repeating: "ñ€ ", count: 40)
    try bench.serve(OutboxBench.settings(mail: server(peer))) { _ in
      try bench.database.raise(
        OutboxBench.alert(facts: [
          .init("subject", name), .init("to", String(repeating: "=.", count: 100)),
        ]))
      let mail = try #require(peer.message(0))
      #expect(mail["subject"] == "[critical] Outgoing paid calls blocked: \(name)")
      #expect(mail["text"]?.contains(name.trimmingCharacters(in: .whitespaces)) == true)
      #expect(mail["text"]?.contains(String(repeating: "=.", count: 100)) == true)
      let longest = mail["raw"]?.components(separatedBy: "\r\n").map(\.utf8.count).max() ?? 0
      #expect(longest <= 76)
    }
  }

  @Test("F38: a server that is not there at the moment of the block gets the mail when it is back")
  func serverDown() throws {
    let (bench, port) = (try OutboxBench(), try Peer.freePort())
    let server = MailServer(url: "smtp://127.0.0.1:\(port)", from: "martinet@office.example")
    try bench.serve(OutboxBench.settings(mail: server), overdueAfter: .zero) { _ in
      try bench.database.raise(OutboxBench.alert())
      #expect(bench.wait(for: OutboxBench.isFailed))
      #expect(bench.wait { if case .overdue = $0 { true } else { false } })
      let peer = try Peer.mailServer(port: port)
      #expect(peer.message(0)?["to"] == OutboxBench.mail)
      #expect(bench.wait(for: OutboxBench.isDelivered))
      let overdue = bench.allReports.filter { if case .overdue = $0 { true } else { false } }
      #expect(overdue.count == 1, "said once")
      #expect(peer.messageCount == 1, "and the mail came once")
    }
  }

  @Test("A refusal is tried again, under the same Message-ID")
  func refused() throws {
    let (bench, peer) = (try OutboxBench(), try Peer.mailServer(refusals: 2))
    try bench.serve(OutboxBench.settings(mail: server(peer))) { _ in
      try bench.database.raise(OutboxBench.alert())
      let mail = try #require(peer.message(0))
      #expect(mail["id"]?.hasSuffix("@office.example>") == true)
      #expect(
        bench.wait { if case .delivered(_, attempts: 3) = $0 { true } else { false } })
      let errors = bench.allReports.compactMap {
        if case .failed(_, _, let error) = $0 { error } else { nil }
      }
      #expect(errors.count == 2 && errors.allSatisfy { $0.contains("451") }, "\(errors)")
    }
  }

  enum Protection: String, CaseIterable, Sendable {
    case startTLS, implicitTLS
  }

  @Test("TLS and a password, by STARTTLS and from the first byte", arguments: Protection.allCases)
  func authenticated(_ protection: Protection) throws {
    let (bench, certificate) = (try OutboxBench(), try Certificate())
    let isImplicit = protection == .implicitTLS
    let peer = try Peer.mailServer(
      certificate: certificate, isImplicitTLS: isImplicit, password: "pass word")
    var server = server(peer, scheme: isImplicit ? "smtps" : "smtp")
    (server.username, server.password) = ("martinet", Secret("pass word"))
    (server.requiresTLS, server.trustedCertificates) = (true, certificate.path)
    try bench.serve(OutboxBench.settings(mail: server)) { _ in
      try bench.database.raise(OutboxBench.alert())
      let mail = try #require(peer.message(0))
      #expect(mail["tls"] == "True" || isImplicit)
      #expect(mail["login"] == "True")
    }
  }

  @Test("A certificate nobody vouches for, or no TLS at all, is refused when TLS is asked for")
  func untrusted() throws {
    let certificate = try Certificate()
    for peer in [try Peer.mailServer(certificate: certificate), try Peer.mailServer()] {
      let bench = try OutboxBench()
      var server = server(peer)
      server.requiresTLS = true
      try bench.serve(OutboxBench.settings(mail: server)) { _ in
        try bench.database.raise(OutboxBench.alert())
        #expect(bench.wait(for: OutboxBench.isFailed))
      }
      #expect(peer.messageCount == 0)
    }
  }

  @Test(
    "RFC 7435: TLS that only is better than clear text needs no certificate that anybody vouches for"
  )
  func opportunistic() throws {
    let (bench, peer) = (try OutboxBench(), try Peer.mailServer(certificate: Certificate()))
    try bench.serve(OutboxBench.settings(mail: server(peer))) { _ in
      try bench.database.raise(OutboxBench.alert())
      #expect(peer.message(0)?["tls"] == "True")
      #expect(bench.wait(for: OutboxBench.isDelivered))
    }
  }

  enum Demand: String, CaseIterable, Sendable {
    case requiresTLS, password, otherAuthority, implicitTLS
  }

  @Test(
    "Who asks for TLS, has a password or names an authority gets a server that proves its name",
    arguments: Demand.allCases)
  func proven(_ demand: Demand) throws {
    let (bench, own, other) = (try OutboxBench(), try Certificate(), try Certificate())
    let isImplicit = demand == .implicitTLS
    let peer = try Peer.mailServer(certificate: own, isImplicitTLS: isImplicit)
    var server = server(peer, scheme: isImplicit ? "smtps" : "smtp")
    switch demand {
    case .requiresTLS: server.requiresTLS = true
    case .password:
      // Another way to write 127.0.0.1, which does not look like this machine.
      server.url = "smtp://127.1:\(peer.port)"
      (server.username, server.password) = ("martinet", Secret("pass word"))
    case .otherAuthority: server.trustedCertificates = other.path
    case .implicitTLS: break
    }
    try bench.serve(OutboxBench.settings(mail: server)) { service in
      try bench.database.raise(OutboxBench.alert())
      #expect(
        bench.wait { report in
          guard case .failed(_, _, let error) = report else { return false }
          return error.contains("certificate")
        })
      #expect(peer.messageCount == 0)
      (server.username, server.password) = (nil, nil)
      server.url = "\(isImplicit ? "smtps" : "smtp")://127.0.0.1:\(peer.port)"
      server.trustedCertificates = own.path
      service.adopt(OutboxBench.settings(mail: server))
      #expect(peer.message(0)?["to"] == OutboxBench.mail)
    }
  }

  @Test("What the configuration says of the mail server is what goes by")
  func configured() throws {
    var document = DirectoryDocument()
    document.mail = MailEntry(
      server: "smtp://mail.office.example", from: "martinet@office.example", username: "martinet",
      password: SecretText(Secret("pass word")), requireTLS: true, tlsAuthorities: "/etc/own.pem")
    let snapshot = try DirectoryCompiler.compile(&document, revision: 1)
    #expect(
      NoticeSettings(document, snapshot).mail
        == MailServer(
          url: "smtp://mail.office.example", from: "martinet@office.example", username: "martinet",
          password: Secret("pass word"), requiresTLS: true, trustedCertificates: "/etc/own.pem"))
  }

  @Test("A wrong password is a failure that says so, and is tried again")
  func wrongPassword() throws {
    let bench = try OutboxBench()
    let peer = try Peer.mailServer(password: "right")
    var server = server(peer)
    (server.username, server.password) = ("martinet", Secret("wrong"))
    try bench.serve(OutboxBench.settings(mail: server)) { service in
      try bench.database.raise(OutboxBench.alert())
      #expect(bench.wait(for: OutboxBench.isFailed))
      server.password = Secret("right")
      service.adopt(OutboxBench.settings(mail: server))
      #expect(peer.message(0)?["login"] == "True")
    }
  }

  @Test("An alert for nobody is reported, and one for somebody removed since is withdrawn")
  func nobody() throws {
    let (bench, port) = (try OutboxBench(), try Peer.freePort())
    try bench.serve(OutboxBench.settings()) { _ in
      try bench.database.raise(OutboxBench.alert("a"))
      #expect(bench.wait { if case .nobodyToTell = $0 { true } else { false } })
    }
    let server = MailServer(url: "smtp://127.0.0.1:\(port)", from: "martinet@office.example")
    try bench.serve(OutboxBench.settings(mail: server)) { service in
      try bench.database.raise(OutboxBench.alert("b"))
      #expect(bench.wait(for: OutboxBench.isFailed))
      service.adopt(OutboxBench.settings())
      let end = ContinuousClock.now + .seconds(20)
      while try bench.database.nextDue(after: WallTime(unixMilliseconds: 0)) != nil {
        try #require(ContinuousClock.now < end)
        bench.database.ringAlertBell()
      }
    }
  }

  @Test("F24: what is announced goes out even while the database cannot be written, and only once")
  func announced() throws {
    let (bench, peer) = (try OutboxBench(), try Peer.mailServer(refusals: 1))
    bench.database.close()
    try bench.serve(OutboxBench.settings(mail: server(peer))) { service in
      service.announce(OutboxBench.alert("journal-7"))
      service.announce(OutboxBench.alert("journal-7"))
      #expect(peer.message(0)?["to"] == OutboxBench.mail)
      #expect(bench.wait(for: OutboxBench.isDelivered))
      #expect(bench.wait { if case .storeFailed = $0 { true } else { false } })
    }
    #expect(peer.messageCount == 1)
  }

  @Test("What is announced while the database works is an alert like any other")
  func announcedAndStored() throws {
    let (bench, peer) = (try OutboxBench(), try Peer.mailServer())
    try bench.serve(OutboxBench.settings(mail: server(peer))) { service in
      service.announce(OutboxBench.alert("journal-7"))
      #expect(peer.message(0) != nil)
      #expect(bench.wait(for: OutboxBench.isDelivered))
    }
    #expect(peer.messageCount == 1)
    let standing = try TenantScope(OutboxBench.office, as: .operator, in: bench.database).alerts()
    #expect(standing.first?.acknowledged == 1)
  }

  @Test(
    "What is announced does not wait for a database that hangs, and is stored when that goes on")
  func announcedWhileHanging() throws {
    let (bench, peer) = (try OutboxBench(), try Peer.mailServer())
    // Whoever wants to write waits for this one, for seconds.
    var holder: Peer? = try Peer(
      """
      import json, sqlite3, sys, time
      database = sqlite3.connect(json.loads(sys.argv[1])["path"], isolation_level=None)
      database.execute("BEGIN IMMEDIATE")
      print(1)
      time.sleep(600)
      """, options: ["path": bench.path + "/martinet.db"])
    try bench.serve(OutboxBench.settings(mail: server(peer))) { service in
      service.announce(OutboxBench.alert("journal-7"))
      #expect(peer.message(0)?["to"] == OutboxBench.mail)
      #expect(bench.wait(for: OutboxBench.isDelivered))
      #expect(bench.allReports.count == 1, "nothing was tried with the database before")
      #expect(holder != nil)
      holder = nil
      // Told once, also when it comes again.
      service.announce(OutboxBench.alert("journal-7"))
    }
    #expect(peer.messageCount == 1)
    let standing = try TenantScope(OutboxBench.office, as: .operator, in: bench.database).alerts()
    #expect(standing.count == 1 && standing.first?.acknowledged == 1)
    #expect(try bench.database.alertsWaiting() == 0)
  }
}
