import Elements
import Foundation
import Guard
import Net
import SIP
import Testing

@Suite final class TLSTests {
  private let folder = FileManager.default.temporaryDirectory
    .appending(path: "martinet-tls-\(UUID().uuidString)").path()

  /// Clients stay until the end of the test: what they have sent may be under way yet.
  private var clients: [StreamHarness] = []

  private func kept(_ adjust: (inout LaneConfiguration) -> Void) throws -> StreamHarness {
    let client = try StreamHarness(adjust)
    clients.append(client)
    return client
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  private func server(_ names: [String]) throws -> StreamHarness {
    let folder = folder
    return try StreamHarness { $0.tls = TLSSettings(folder: folder, names: names) }
  }

  /// A client that trusts the server's own certificate.
  private func client(verifies: Bool = true) throws -> StreamHarness {
    let folder = folder
    return try kept {
      var settings = TLSSettings(folder: folder)
      settings.authorities = folder + "/certificate.pem"
      settings.verifiesPeers = verifies
      $0.tls = settings
    }
  }

  private func ask(
    _ client: StreamHarness, _ server: Endpoint, as name: String?
  ) -> ClientTransactionID {
    let transaction = ClientTransactionID(5)
    let hop = NextHop(transport: .tls, remote: server, local: server, serverName: name)
    client.service.send([
      Transmission(
        bytes: Array(Sample.options(1).utf8), destination: .open(hop), transaction: transaction)
    ])
    return transaction
  }

  @Test("the first start makes a key that only we can read, and a certificate with our names")
  func selfSigned() throws {
    let server = try server(["pbx.example", "192.0.2.1"])
    let client = try client()
    let endpoint = try server.listen(.tls)
    _ = ask(client, endpoint, as: "pbx.example")
    let message = try #require(server.messages(1).first)
    #expect(message.text == Sample.options(1))
    #expect(message.flow.transport == .tls)
    server.service.send([
      Transmission(bytes: Array(Sample.options(2).utf8), destination: .flow(message.flow))
    ])
    #expect(client.messages(1).map(\.text) == [Sample.options(2)])
    let attributes = try FileManager.default.attributesOfItem(atPath: folder + "/key.pem")
    #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
  }

  /// A whole record that begins a handshake, although nobody can finish it.
  private static let helloRecord: [UInt8] = [22, 3, 1, 0, 4, 1, 0, 0, 99]

  /// Nothing is left for strangers behind the first.
  private func spent(_ limits: inout HandshakeLimits) {
    limits.strangers = Rate(every: .seconds(3_600), burst: 1)
    limits.newcomers = Rate(every: .seconds(3_600), burst: 1)
  }

  @Test("strangers' handshakes come out of one budget, those of addresses with phones do not")
  func handshakeBudget() throws {
    let folder = folder
    let server = try StreamHarness {
      $0.tls = TLSSettings(folder: folder, names: ["pbx.example"])
      spent(&$0.streams.handshakes)
    }
    let endpoint = try server.listen(.tls)
    // Who says nothing, or no TLS, uses nothing up.
    let silent = try (0..<5).map { _ in try TestStream(to: endpoint) }
    for _ in 0..<5 {
      let confused = try TestStream(to: endpoint)
      confused.send(Sample.options(9))
      #expect(confused.isClosedByPeer())
    }
    #expect(server.service.counters.handshakesRefused == 0)
    let taken = try (0..<2).map { _ in try TestStream(to: endpoint) }
    for stream in taken {
      // In pieces, as a network may cut it.
      for byte in Self.helloRecord { stream.send([byte]) }
    }
    let late = try TestStream(to: endpoint)
    late.send(Self.helloRecord)
    #expect(late.isClosedByPeer())
    #expect(server.service.counters.handshakesRefused == 1)
    let plain = try TestStream(to: try server.listen(.tcp))
    plain.send(Sample.options(1))
    #expect(server.messages(1).count == 1, "without TLS there is no handshake")
    server.service.acquaint([IPNetwork(.v4Loopback)])
    _ = ask(try client(), endpoint, as: "pbx.example")
    #expect(server.messages(2).count == 2)
    #expect(server.service.counters.handshakesRefused == 1)
    withExtendedLifetime((silent, taken, plain)) {}
  }

  @Test("whoever is never banned makes handshakes without a budget, until that changes")
  func sparedHandshakes() throws {
    let folder = folder
    let server = try StreamHarness {
      $0.tls = TLSSettings(folder: folder, names: ["pbx.example"])
      spent(&$0.streams.handshakes)
      $0.streams.handshakes.known = Rate(every: .seconds(3_600), burst: 1)
    }
    let endpoint = try server.listen(.tls)
    server.service.spare([try #require(IPNetwork("127.0.0.0/8"))])
    let carriers = try (0..<3).map { _ in try TestStream(to: endpoint) }
    for carrier in carriers { carrier.send(Self.helloRecord) }
    let client = try client()
    _ = ask(client, endpoint, as: "pbx.example")
    #expect(server.messages(1).count == 1)
    server.service.spare([])
    // Once something said later has come, that has been heard.
    _ = ask(client, endpoint, as: "pbx.example")
    #expect(server.messages(2).count == 2)
    let strangers = try (0..<3).map { _ in try TestStream(to: endpoint) }
    for stranger in strangers { stranger.send(Self.helloRecord) }
    #expect(strangers.last?.isClosedByPeer() == true)
    withExtendedLifetime((carriers, strangers)) {}
  }

  @Test("RFC 5922 §7: a certificate of somebody else is refused, before a byte is sent")
  func wrongName() throws {
    let server = try server(["pbx.example"])
    let client = try client()
    let transaction = ask(client, try server.listen(.tls), as: "other.example")
    let failure = try #require(client.failures(1).first)
    #expect(failure.0 == transaction)
    #expect(failure.1.contains("other.example"))
    #expect(server.closed(1).count == 1)
    #expect(server.messages(0).isEmpty)
  }

  @Test("a trunk whose certificate nobody vouches for is refused, unless that is asked for")
  func unknownAuthority() throws {
    let server = try server(["pbx.example"])
    let endpoint = try server.listen(.tls)
    let folder = folder
    let stranger = try StreamHarness { $0.tls = TLSSettings(folder: folder) }
    let transaction = ask(stranger, endpoint, as: "pbx.example")
    #expect(stranger.failures(1).map(\.0) == [transaction])
    let trusting = try client(verifies: false)
    _ = ask(trusting, endpoint, as: "other.example")
    #expect(server.messages(1).map(\.text) == [Sample.options(1)])
  }

  @Test("a trunk whose certificate has ended is refused with the days since then")
  func ended() throws {
    try put(["pbx.example"], into: folder, at: Clocks.wall() + .seconds(-11 * 365 * 86_400))
    let server = try server(["pbx.example"])
    let client = try client()
    _ = ask(client, try server.listen(.tls), as: "pbx.example")
    let failure = try #require(client.failures(1).first)
    #expect(failure.1 == "the certificate ended 366 days ago")
  }

  @Test("reloading uses the new files; broken ones are named and the old stay in force")
  func reload() throws {
    let server = try server(["pbx.example"])
    let endpoint = try server.listen(.tls)
    let client = try client()
    let certificate = folder + "/certificate.pem"
    try "no certificate".write(toFile: certificate, atomically: true, encoding: .utf8)
    #expect(try server.service.reloadChangedCertificates() == false, "it may be written yet")
    #expect(try server.service.reloadChangedCertificates())
    let state = try #require(server.service.certificates.first)
    #expect(state.complaint?.description.contains(certificate) == true)
    #expect(state.end != nil)
    #expect(try server.service.reloadChangedCertificates() == false, "it is told once")
    _ = ask(client, endpoint, as: "pbx.example")
    #expect(server.messages(1).count == 1)
    try put(["new.example"], into: folder)
    try server.service.reloadCertificates()
    #expect(server.service.certificates.map(\.complaint) == [nil])
    _ = ask(try self.client(), endpoint, as: "new.example")
    #expect(server.messages(2).count == 2)
    // The first connection goes on.
    _ = ask(client, endpoint, as: "pbx.example")
    #expect(Set(server.messages(3).map(\.flow)).count == 2)
  }

  @Test("one that has ended or does not hold yet does not replace one that holds, and is told")
  func uselessRenewal() throws {
    let server = try server(["pbx.example"])
    let endpoint = try server.listen(.tls)
    let client = try client()
    for (days, reason) in [(-11 * 365, "it ended"), (3, "it does not hold before")] {
      try put(["new.example"], into: folder, at: Clocks.wall() + .seconds(days * 86_400))
      try server.service.reloadCertificates()
      let complaint = server.service.certificates.first?.complaint?.description ?? ""
      #expect(complaint.contains(reason) && complaint.contains(folder + "/certificate.pem"))
      #expect(server.service.certificates.first?.names.contains("pbx.example") == true)
    }
    _ = ask(client, endpoint, as: "pbx.example")
    #expect(server.messages(1).count == 1)
    try put(["new.example"], into: folder)
    try server.service.reloadCertificates()
    #expect(server.service.certificates.map(\.complaint) == [nil])
    _ = ask(try self.client(), endpoint, as: "new.example")
    #expect(server.messages(2).count == 2)
  }

  @Test("RFC 6066 §3: a name gets its certificate, also by its wildcard; others the standard one")
  func names() throws {
    try put(["office.example", "*.branch.example"], into: folder + "/a")
    try put(["office.example"], into: folder + "/b")
    let server = try server(["pbx.example"])
    let endpoint = try server.listen(.tls)
    // Who asks believes one certificate alone: what he hears shows which one he was given.
    let sure = try [client(believing: "/a"), client(believing: "")]
    _ = ask(sure[0], endpoint, as: "office.example")
    _ = ask(sure[1], endpoint, as: "pbx.example")
    #expect(server.messages(2).count == 2)
    for (name, part) in [("desk.branch.example", "/a"), ("unknown.example", "")] {
      let client = try client(believing: part)
      _ = ask(client, endpoint, as: name)
      // §7.2 of RFC 5922: a client takes no wildcard for a SIP identity, but its chain was the right one.
      #expect(client.failures(1).map(\.1) == ["the certificate is not that of \(name) (RFC 5922)"])
    }
    for (name, part) in [("a.desk.branch.example", "/a"), ("office.example", "/b")] {
      let client = try client(believing: part)
      _ = ask(client, endpoint, as: name)
      #expect(client.failures(1).first?.1.contains("no authority that we know") == true)
    }
  }

  @Test(
    "one that has ended hides none that holds for the same name, from the moment it ends",
    arguments: ["office.example", "*.example"])
  func endedName(other: String) throws {
    let life: Int64 = 10 * 365 * 86_400 - 86_400
    let end = Clocks.wall() + .seconds(2)
    try put(["office.example", "ended.example"], into: folder + "/a", at: end + .seconds(-life))
    try put([other], into: folder + "/b")
    let server = try server(["pbx.example"])
    let endpoint = try server.listen(.tls)
    let client = try client(believing: "/b")
    _ = ask(client, endpoint, as: "office.example")
    #expect(client.failures(1).count == 1, "the first one holds")
    while Clocks.wall() <= end + .seconds(1) { usleep(50_000) }
    #expect(try server.service.reloadChangedCertificates(), "it has ended")
    #expect(try !server.service.reloadChangedCertificates(), "once")
    _ = ask(client, endpoint, as: "office.example")
    if other == "office.example" {
      #expect(server.messages(1).count == 1)
    } else {
      // §7.2 of RFC 5922: a client takes no wildcard for a SIP identity, but its chain was the right one.
      #expect(client.failures(2).last?.1.contains("RFC 5922") == true)
    }
  }

  @Test("one that has ended does not hide the standard one that holds for its name")
  func endedBesideStandard() throws {
    try put(["pbx.example"], into: folder + "/a", at: Clocks.wall() + .seconds(-11 * 365 * 86_400))
    let server = try server(["pbx.example"])
    let endpoint = try server.listen(.tls)
    _ = ask(try client(believing: ""), endpoint, as: "pbx.example")
    #expect(server.messages(1).count == 1)
  }

  @Test("a further certificate that is broken is left out and named, and the others serve")
  func brokenName() throws {
    try put(["office.example"], into: folder + "/office")
    try put(["branch.example"], into: folder + "/branch")
    let key = folder + "/office/key.pem"
    try FileManager.default.removeItem(atPath: key)
    try FileManager.default.copyItem(atPath: folder + "/branch/key.pem", toPath: key)
    let server = try server(["pbx.example"])
    let endpoint = try server.listen(.tls)
    let states = server.service.certificates
    #expect(states.map(\.name) == [nil, "branch", "office"])
    #expect(states.map { $0.complaint == nil } == [true, true, false])
    #expect(states[2].complaint?.description.contains("it is not the key of") == true)
    _ = ask(try client(believing: "/branch"), endpoint, as: "branch.example")
    #expect(server.messages(1).count == 1)
    // Mended, and then gone.
    try put(["office.example"], into: folder + "/office")
    try server.service.reloadCertificates()
    _ = ask(try client(believing: "/office"), endpoint, as: "office.example")
    #expect(server.messages(2).count == 2)
    try FileManager.default.removeItem(atPath: folder + "/office")
    try server.service.reloadCertificates()
    #expect(server.service.certificates.map(\.name) == [nil, "branch"])
    _ = ask(try client(believing: ""), endpoint, as: "office.example")
    #expect(server.closed(1).count == 1)
  }

  /// Puts a certificate with its key into a folder, as somebody who renews it.
  private func put(
    _ names: [String], into folder: String, at now: WallTime = Clocks.wall()
  ) throws {
    let made = try SelfSignedCertificate(names: names, at: now)
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for (name, text) in [("certificate", made.certificatePEM), ("key", made.keyPEM)] {
      try text.write(toFile: "\(folder)/\(name).pem", atomically: true, encoding: .utf8)
    }
  }

  /// A client that believes one of the server's certificates.
  private func client(believing part: String) throws -> StreamHarness {
    let folder = folder
    return try kept {
      var settings = TLSSettings(folder: folder)
      settings.authorities = folder + part + "/certificate.pem"
      $0.tls = settings
    }
  }

  @Test("RFC 5922 §7.5: who is asked for a certificate proves its names, before his first message")
  func asked() throws {
    let carrier = folder + "/carrier"
    try put(["carrier.example"], into: carrier)
    try put(["special.example"], into: carrier + "/special")
    let believed = try ["/carrier", "/carrier/special"].map {
      try String(contentsOfFile: folder + $0 + "/certificate.pem", encoding: .utf8)
    }
    try believed.joined().write(
      toFile: folder + "/believed.pem", atomically: true, encoding: .utf8)
    func proven(
      asking: Bool = true, believing: Bool = true, showing name: String? = nil
    ) throws
      -> (names: [[String]], refusals: Int, failures: [String])
    {
      let server = try kept {
        $0.tls = TLSSettings(folder: folder + "/server", names: ["pbx.example"])
        if believing { $0.tls?.authorities = folder + "/believed.pem" }
      }
      if asking {
        server.service.askForCertificates(from: [IPNetwork(.v4Loopback)])
      }
      let endpoint = try server.listen(.tls)
      let client = try kept {
        $0.tls = TLSSettings(folder: carrier)
        $0.tls?.authorities = folder + "/server/certificate.pem"
      }
      let hop = NextHop(
        transport: .tls, remote: endpoint, local: endpoint, serverName: "pbx.example"
      ).showing(name)
      client.service.send([
        Transmission(
          bytes: Array(Sample.options(1).utf8), destination: .open(hop),
          transaction: ClientTransactionID(5))
      ])
      let heard = server.inputs.wait { inputs in
        inputs.contains { if case .message = $0 { true } else { false } }
          || inputs.contains { if case .unproven = $0 { true } else { false } }
          || name == "missing"
      }
      let isFine = believing && name != "missing"
      return (
        heard.compactMap { if case .proven(_, let names) = $0 { names } else { nil } },
        heard.filter { if case .unproven = $0 { true } else { false } }.count,
        isFine ? [] : client.failures(1).map(\.1)
      )
    }
    #expect(try proven().names == [["carrier.example"]])
    #expect(try proven(showing: "special").names == [["special.example"]])
    #expect(try proven(asking: false).names == [])
    let refused = try proven(believing: false)
    #expect((refused.names, refused.refusals) == ([], 1))
    let missing = try proven(showing: "missing").failures
    #expect(missing.first?.contains("\"missing\" in \(carrier) (present_certificate)") == true)
  }

  @Test("examining says until when a certificate holds, or what is wrong, and makes nothing")
  func examine() throws {
    let settings = TLSSettings(folder: folder)
    #expect(settings.examine().map { $0.complaint == nil } == [false])
    #expect(!FileManager.default.fileExists(atPath: folder))
    _ = try server(["pbx.example"])
    let end = try #require(settings.examine().first?.end)
    #expect(end > Clocks.wall() + .seconds(86_400))
    try "no key".write(toFile: folder + "/key.pem", atomically: true, encoding: .utf8)
    #expect(settings.examine().first?.complaint?.description.contains("key.pem") == true)
  }

  @Test(
    "a key without its certificate, or the other way round, is never overwritten, and said",
    arguments: [("key.pem", "certificate.pem"), ("certificate.pem", "key.pem")])
  func halfAPair(present: String, missing: String) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let path = "\(folder)/\(present)"
    try "mine".write(toFile: path, atomically: true, encoding: .utf8)
    let refusal = NetError.halfPair(missing: "\(folder)/\(missing)", present: path)
    #expect(throws: refusal) { _ = try self.server(["pbx.example"]) }
    #expect(TLSSettings(folder: folder).examine().map(\.complaint) == [refusal])
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "mine")
  }
}
