import Directory
import Elements
import SIP

@testable import Switch

extension Bench {
  /// The phone of 101, registered, and the office's two carriers in their order: the second answers.
  func phoneAndCarriers() -> (phone: UserAgent, carrier: UserAgent, spare: UserAgent) {
    let phone = UserAgent(self, user: "101", address: "198.51.100.7:5062")
    let carrier = UserAgent(self, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    let spare = UserAgent(self, user: "", address: "192.0.2.51:5060", domain: "spare.example")
    spare.manner = .answers(after: .seconds(1))
    phone.register()
    return (phone, carrier, spare)
  }

  /// An office whose first carrier wants a registration.
  static func registering(
    probe: Int, over transport: String = "udp"
  ) throws -> (bench: Bench, phone: UserAgent, carrier: UserAgent) {
    var town = Town()
    town.document.trunks[0].address = "sip:192.0.2.50:5060;transport=\(transport)"
    town.document.trunks[0].probeSeconds = probe
    town.document.trunks[0].registration = RegistrationEntry(
      credentials: TrunkCredentials(
        username: "martinet", password: SecretText(Secret("carrier secret"))))
    let bench = try Bench(town)
    let (phone, carrier, _) = bench.phoneAndCarriers()
    carrier.manner = .answers(after: .seconds(1))
    return (bench, phone, carrier)
  }

  /// Takes a trunk out of the directory.
  func takeOut(trunk name: String) throws {
    for index in town.document.tenants.indices {
      town.document.tenants[index].trunks.removeAll { $0 == name }
    }
    town.document.trunks.removeAll { $0.name == name }
    try adopt(revision: 2)
  }

  /// As `martinet trunks` has it: "up", "down".
  func state(ofTrunk name: String) -> String? {
    guard case .trunks(let list)? = ask(.trunks) else { return nil }
    return list.first { $0.name == name }?.state
  }

  /// Why it is not up.
  func reason(ofTrunk name: String) -> String? {
    guard case .trunks(let list)? = ask(.trunks) else { return nil }
    return list.first { $0.name == name }?.reason
  }
}
