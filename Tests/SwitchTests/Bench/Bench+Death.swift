import Elements
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// What rings at a carrier when the process dies.
extension Bench {
  /// A carrier that a phone has called: it rings, and neither ends its INVITE by itself nor takes a BYE.
  func ringingCarrier(bye status: StatusCode) -> UserAgent {
    let carrier = UserAgent(self, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    (carrier.manner, carrier.heedsCancel, carrier.refusals) = (.rings, false, [.bye: status])
    let phone = UserAgent(self, user: "101", address: "198.51.100.7:5062")
    phone.register()
    phone.call("+8821234567890")
    run(for: .seconds(2))
    return carrier
  }

  /// How often people were told of a call that may still be up.
  var toldStillUp: Int { alerts.filter { $0.kind == .possiblyStillUp }.count }

  /// A minute later nothing is left of any call.
  func expectRest() {
    run(for: .seconds(60))
    #expect(core.load.isAtRest, "\(core.load)")
  }
}
