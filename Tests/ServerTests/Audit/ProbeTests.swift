import ConfigurationFiles
import Elements
import Foundation
import Net
import SIP
import Server
import Testing

/// What the audit's stranger sends, and what it makes of answers.
@Suite struct ProbeTests {
  private func answer(_ text: String) -> StrangerAnswer? {
    StrangerAnswer(Array(text.replacing("\n", with: "\r\n").utf8))
  }

  @Test("Two answers are alike where only chance differs")
  func chance() throws {
    func head(
      _ user: String, _ number: Int, _ nonce: String, _ more: String = ""
    ) throws -> [String] {
      try #require(
        answer(
          """
          SIP/2.0 401 Unauthorized
          Via: SIP/2.0/UDP 127.0.0.1:4000;rport=4000;branch=z9hG4bK\(number)
          From: <sip:\(user)@office.example>;tag=\(number)
          To: <sip:\(user)@office.example>;tag=\(nonce)
          Date: Fri, 13 Nov 2026 10:00:\(number % 60) GMT
          WWW-Authenticate: Digest realm="office.example", nonce="\(nonce)"\(more)


          """)
      ).withoutChance(user: user, number: number)
    }
    #expect(try head("101", 1_234_567, "abcd") == head("000", 7_654_321, "wxyz"))
    #expect(try head("101", 1_234_567, "abcd") != head("000", 7_654_321, "wxyzz"))
    #expect(try head("101", 1_234_567, "abcd", ", stale=true") != head("000", 7_654_321, "wxyz"))
    #expect(answer("HTTP/1.1 400 Bad Request\n\n") == nil)
    #expect(answer("SIP/2.0 42 What\n\n") == nil)
    #expect(StrangerAnswer([]) == nil)
  }

  @Test("What was begun is ended: CANCEL, ACK, or ACK and BYE, as the answer has it")
  func ending() throws {
    let invite = StrangerRequest(
      "INVITE", "sip:1@a.example", from: "sip:2@a.example", to: "sip:1@a.example")
    func methods(_ status: Int) throws -> [String] {
      let given = try #require(answer("SIP/2.0 \(status) X\nTo: <sip:1@a.example>;tag=zz\n\n"))
      return invite.ending(after: given).map(\.method)
    }
    #expect(try methods(180) == ["CANCEL"])
    #expect(try methods(200) == ["ACK", "BYE"])
    #expect(try methods(401) == ["ACK"])
    let given = try #require(answer("SIP/2.0 200 OK\nTo: <sip:1@a.example>;tag=zz\n\n"))
    let bye = invite.ending(after: given)[1]
    let text = String(
      decoding: bye.bytes(over: .udp, from: Endpoint(.v4Loopback, 4000)), as: UTF8.self)
    #expect(text.contains("To: <sip:1@a.example>;tag=zz\r\n") && text.contains("CSeq: 2 BYE\r\n"))
  }

  @Test("RFC 8446 §4.1.3: the version of a ServerHello stands in it or in its extension")
  func serverHello() {
    func record(_ body: [UInt8]) -> [UInt8] {
      [0x16, 3, 3, 0, UInt8(body.count + 4), 2, 0, 0, UInt8(body.count)] + body
    }
    let random = [UInt8](repeating: 7, count: 32)
    let old: [UInt8] = [3, 1] + random + [0, 0x00, 0x2F, 0]
    #expect(ServerHello.read(record(old)) == .agreed(ServerHello(version: 0x0301, cipher: 0x002F)))
    let new: [UInt8] = [3, 3] + random + [0, 0x13, 0x01, 0, 0, 6, 0, 43, 0, 2, 3, 4]
    #expect(ServerHello.read(record(new)) == .agreed(ServerHello(version: 0x0304, cipher: 0x1301)))
    for end in 0..<record(new).count {
      #expect(ServerHello.read(Array(record(new)[..<end])) == .unfinished)
    }
    #expect(ServerHello.read([0x15, 3, 3, 0, 2, 2, 40]) == .refused)  // handshake_failure
    #expect(ServerHello.read(Array("HTTP/1.1 400".utf8)) == .foreign)
    #expect(ServerHello.read(record([3, 3])) == .foreign)
    // Behind a warning, unrecognized_name, it goes on.
    let warning: [UInt8] = [0x15, 3, 1, 0, 2, 1, 112]
    #expect(ServerHello.read(warning) == .unfinished)
    #expect(
      ServerHello.read(warning + record(old))
        == .agreed(ServerHello(version: 0x0301, cipher: 0x002F)))
    #expect(ServerHello.read([0x15, 3, 3, 0, 2, 1, 0]) == .refused)  // close_notify
  }

  @Test("A host with or without a port, in both families")
  func remote() throws {
    let named = try RemoteServer("localhost:5070")
    #expect(named.name == "localhost")
    #expect(named.listeners.first?.endpoint.port == 5070)
    for (text, port) in [
      ("192.0.2.1", 5060), ("192.0.2.1:5080", 5080), ("2001:db8::1", 5060),
      ("[2001:db8::1]:5080", 5080),
    ] {
      let server = try RemoteServer(text)
      #expect(
        server.name == nil
          && server.listeners.map(\.endpoint.port) == [port, port, port + 1].map(UInt16.init))
    }
    for text in [
      "192.0.2.1:0", "192.0.2.1:99999", "no.such.name.invalid", ":5060", "", "tls:",
      "tls:192.0.2.1:x",
    ] {
      #expect(throws: ConfigurationError.self) { try RemoteServer(text) }
    }
  }

  @Test(
    "A transport that is named is asked alone, on its own port where none is written",
    arguments: [
      ("udp:192.0.2.1", "UDP 192.0.2.1:5060"), ("tcp:192.0.2.1:5070", "TCP 192.0.2.1:5070"),
      ("tls:192.0.2.1", "TLS 192.0.2.1:5061"), ("TLS:[2001:db8::1]:5070", "TLS [2001:db8::1]:5070"),
      ("ws:2001:db8::1", "WS [2001:db8::1]:80"), ("wss:192.0.2.1", "WSS 192.0.2.1:443"),
    ])
  func transports(text: String, listener: String) throws {
    let server = try RemoteServer(text)
    #expect(server.listeners.map(\.description) == [listener])
    #expect(!server.isGuess)
  }

  @Test("Who writes the port of TLS means TLS there, and the others below it")
  func securePort() throws {
    let server = try RemoteServer("192.0.2.1:5061")
    #expect(
      server.listeners.map(\.description) == [
        "UDP 192.0.2.1:5060", "TCP 192.0.2.1:5060", "TLS 192.0.2.1:5061",
      ])
    #expect(server.isGuess)
  }

  @Test("A certificate that does not hold yet is as bad as one that has ended")
  func early() throws {
    let now = WallTime(unixMilliseconds: 1_800_000_000_000)
    func found(at time: WallTime) throws -> [AuditRule] {
      let made = try SelfSignedCertificate(names: ["a.example"], at: now)
      let base64 = made.certificatePEM.split(separator: "\n").filter { !$0.hasPrefix("-") }.joined()
      let der = try #require(Data(base64Encoded: base64))
      let facts = try #require(CertificateFacts(Array(der)))
      return TLSProbe.judge(facts, "x", at: time).map(\.0)
    }
    let day: Duration = .seconds(86_400)
    #expect(try found(at: now) == [.certificateOwn])
    #expect(try found(at: now + day * -2) == [.certificateEarly, .certificateOwn])
    #expect(try found(at: now + day * 3_650) == [.certificateEnded, .certificateOwn])
    #expect(try found(at: now + day * 3_630) == [.certificateEnds, .certificateOwn])
  }
}
