import Directory
import Elements
import Limits
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// Phones behind the address of a carrier: a gateway in the office, or a test on one machine.
@Suite struct SharedAddressTests {
  private func bench() throws -> Bench {
    var town = Town()
    town.document.tenants.removeLast()
    return try Bench(town)
  }

  /// Speaks as a phone that knows only the server's address.
  private func phone(_ bench: Bench, _ user: String, at address: String) -> UserAgent {
    let phone = UserAgent(bench, user: user, address: address, domain: "192.0.2.1")
    phone.realm = Town.domain
    phone.manner = .answers(after: .seconds(1))
    return phone
  }

  @Test("A registered phone calls inside, outside and for help, with its number or without")
  func registered() throws {
    let bench = try bench()
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    carrier.manner = .answers(after: .seconds(1))
    let colleague = phone(bench, "102", at: "198.51.100.7:5062")
    colleague.register()
    let desk = phone(bench, "104", at: "192.0.2.50:5070")
    desk.register()
    let anonymous = NameAddress(uri: URI(user: "anonymous", host: .name("anonymous.invalid")))
    for (number, from) in [("102", nil), ("102", anonymous), ("976333444", nil), ("112", nil)] {
      desk.call(number, from: from)
      bench.run(for: .seconds(3))
      #expect(desk.lastStatus == 200, "\(number)")
      desk.hangUp()
      bench.run(for: .seconds(1))
    }
    #expect(bench.records.map(\.caller) == ["104", "104", "104", "104"])
    #expect(colleague.received(.invite).count == 2 && carrier.received(.invite).count == 2)
  }

  @Test("One that has not registered is asked who it is, also when it calls for help")
  func unregistered() throws {
    let bench = try bench()
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    carrier.manner = .answers(after: .seconds(1))
    let colleague = phone(bench, "102", at: "198.51.100.7:5062")
    colleague.register()
    let desk = phone(bench, "104", at: "192.0.2.50:5070")
    for number in ["102", "112"] {
      desk.call(number)
      bench.run(for: .seconds(3))
      #expect(desk.lastStatus == 200, "\(number)")
      desk.hangUp()
      bench.run(for: .seconds(1))
    }
  }

  @Test("A02: whom the answer to a stranger from there names makes no difference")
  func noOracle() throws {
    let bench = try bench()
    for (index, user) in ["104", "999", "nobody"].enumerated() {
      let stranger = phone(bench, user, at: "192.0.2.50:\(6000 + index)")
      stranger.password = "a wrong password"
      for number in ["102", "998", "976333444"] {
        stranger.call(number)
        bench.run(for: .seconds(1))
        #expect(stranger.lastStatus == 401, "\(user) to \(number)")
      }
    }
    #expect(bench.records.isEmpty)
  }

  @Test("A carrier that sends from another port is one as before, whatever its caller looks like")
  func carrierElsewhere() throws {
    let bench = try bench()
    let desk = phone(bench, "101", at: "198.51.100.7:5062")
    desk.manner = .rings
    desk.register()
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:6001", domain: "192.0.2.1")
    for (index, user) in ["+34600111222", "1234", "104", "anonymous"].enumerated() {
      carrier.call(
        Town.ddi, from: NameAddress(uri: URI(user: user, host: .name("carrier.example"))))
      bench.run(for: .seconds(1))
      #expect(desk.received(.invite).count == index + 1, "\(user)")
      carrier.cancel()
      bench.run(for: .seconds(1))
    }
    carrier.call(
      "+34911999888", from: NameAddress(uri: URI(user: "600111222", host: .name("carrier.example")))
    )
    bench.run(for: .seconds(1))
    #expect(carrier.lastStatus == 404 && bench.records.last?.cause == .unknownNumber)
  }
}
