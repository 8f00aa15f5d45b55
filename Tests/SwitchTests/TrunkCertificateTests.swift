import Directory
import Elements
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// A carrier that has to prove its name by a certificate, beside coming from its address.
@Suite struct TrunkCertificateTests {
  private static let connection = FlowID(77)

  private func bench() throws -> Bench {
    var town = Town()
    town.document.trunks[0].clientCertificate = "SIP.carrier.example"
    return try Bench(town)
  }

  /// A call of the carrier to a number of the office, and whether it rings there.
  private func rings(_ bench: Bench, _ carrier: UserAgent) -> Bool {
    let desk = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    desk.manner = .rings
    desk.register()
    bench.run(for: .seconds(1))
    let from = NameAddress(uri: URI(user: "+34600111222", host: .name("carrier.example")))
    carrier.call(Town.ddi, from: from)
    bench.run(for: .seconds(1))
    return !desk.received(.invite).isEmpty
  }

  private func carrier(_ bench: Bench, port: UInt16 = 6001) -> UserAgent {
    UserAgent(bench, user: "", address: "192.0.2.50:\(port)", domain: "192.0.2.1")
  }

  @Test("The connection that has proven its name is the carrier's")
  func proven() throws {
    let bench = try bench()
    let carrier = carrier(bench)
    carrier.stream = .tls
    carrier.connect(from: 6001, as: Self.connection)
    bench.happen(.proven(Self.connection, ["other.example", "sip.carrier.example"]))
    #expect(rings(bench, carrier))
  }

  @Test("Its address is not enough: by UDP, without a certificate, or with another's")
  func unproven() throws {
    let ways: [(names: [String]?, isStream: Bool)] = [
      (nil, false), (nil, true), (["other.example"], true),
    ]
    for (names, isStream) in ways {
      let bench = try bench()
      let carrier = carrier(bench, port: isStream ? 6001 : 5060)
      if isStream {
        carrier.stream = .tls
        carrier.connect(from: 6001, as: Self.connection)
      }
      if let names { bench.happen(.proven(Self.connection, names)) }
      #expect(!rings(bench, carrier), "\(names ?? [])")
      // A stranger's answer: whom the number belongs to is not told.
      #expect(carrier.lastStatus == 403)
      let told = bench.publications.contains {
        if case .log(let line) = $0 {
          line.event == "a call from a carrier's address without its certificate"
        } else {
          false
        }
      }
      #expect(told)
    }
  }

  @Test("What a connection has proven ends with it")
  func ended() throws {
    let bench = try bench()
    bench.happen(.proven(Self.connection, ["sip.carrier.example"]))
    bench.happen(.flowClosed(Self.connection))
    #expect(bench.core.proven.isEmpty)
    let carrier = carrier(bench)
    carrier.stream = .tls
    carrier.connect(from: 6001, as: Self.connection)
    #expect(!rings(bench, carrier))
  }

  @Test("A right certificate at another address is nobody's")
  func elsewhere() throws {
    let bench = try bench()
    let stranger = UserAgent(bench, user: "", address: "203.0.113.9:6001", domain: "192.0.2.1")
    stranger.stream = .tls
    stranger.connect(from: 6001, as: Self.connection)
    bench.happen(.proven(Self.connection, ["sip.carrier.example"]))
    #expect(!rings(bench, stranger))
  }

  @Test("Those carriers are asked for a certificate by their addresses, and nobody else")
  func asked() throws {
    let bench = try bench()
    let carrier = try #require(IPAddress("192.0.2.50"))
    #expect(Set(bench.asked) == [IPNetwork(carrier)])
    bench.town.document.trunks[0].sources = ["198.51.100.0/24"]
    try bench.adopt(revision: 2)
    #expect(bench.asked.map(\.description) == ["198.51.100.0/24"])
    bench.town.document.trunks[0].clientCertificate = nil
    try bench.adopt(revision: 3)
    #expect(bench.asked.isEmpty)
  }

  @Test("What a carrier is shown goes with each request to it, and another one with the next")
  func shown() throws {
    var town = Town()
    town.document.trunks[0].address = "sip:192.0.2.50:5061;transport=tls"
    town.document.trunks[0].presentCertificate = "for-carrier"
    town.document.trunks[0].probeSeconds = 5
    let bench = try Bench(town)
    bench.run(for: .seconds(6))
    #expect(Set(bench.opened.map(\.certificate)) == ["for-carrier"])
    bench.opened.removeAll()
    bench.town.document.trunks[0].presentCertificate = nil
    try bench.adopt(revision: 2)
    bench.run(for: .seconds(6))
    #expect(Set(bench.opened.map(\.certificate)) == [nil])
  }
}
