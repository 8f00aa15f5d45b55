import Elements
import Foundation
import Net
import SIP
import Testing

@Suite final class TLSTests {
  private let folder = FileManager.default.temporaryDirectory
    .appending(path: "martinet-tls-\(UUID().uuidString)").path()

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  private func server(_ names: [String]) throws -> StreamHarness {
    let folder = folder
    return try StreamHarness { $0.tls = TLSSettings(folder: folder, names: names) }
  }

  /// A client that trusts the server's own certificate.
  private func client(verifies: Bool = true) throws -> StreamHarness {
    let folder = folder
    return try StreamHarness {
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
    let made = try SelfSignedCertificate(
      names: ["pbx.example"], at: Clocks.wall() + .seconds(-11 * 365 * 86_400))
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for (name, text) in [("certificate", made.certificatePEM), ("key", made.keyPEM)] {
      try text.write(toFile: "\(folder)/\(name).pem", atomically: true, encoding: .utf8)
    }
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
    let certificate = folder + "/certificate.pem"
    let old = try String(contentsOfFile: certificate, encoding: .utf8)
    try "no certificate".write(toFile: certificate, atomically: true, encoding: .utf8)
    let error = #expect(throws: NetError.self) { try server.service.reloadCertificates() }
    #expect(error?.description.contains(certificate) == true)
    try old.write(toFile: certificate, atomically: true, encoding: .utf8)
    try server.service.reloadCertificates()
    let client = try client()
    _ = ask(client, endpoint, as: "pbx.example")
    #expect(server.messages(1).count == 1)
    client.service.closeListeners()
  }

  @Test("examining says until when a certificate holds, or what is wrong, and makes nothing")
  func examine() throws {
    let settings = TLSSettings(folder: folder)
    #expect(throws: NetError.self) { try settings.examine() }
    #expect(!FileManager.default.fileExists(atPath: folder))
    _ = try server(["pbx.example"])
    #expect(try settings.examine() > Clocks.wall() + .seconds(86_400))
    try "no key".write(toFile: folder + "/key.pem", atomically: true, encoding: .utf8)
    let error = #expect(throws: NetError.self) { try settings.examine() }
    #expect(error?.description.contains("key.pem") == true)
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
    #expect(throws: refusal) { try TLSSettings(folder: self.folder).examine() }
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "mine")
  }
}
