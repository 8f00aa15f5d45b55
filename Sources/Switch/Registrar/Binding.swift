package import Directory
package import Elements
package import SIP

/// The timed link from an extension to the flow of one of its phones (RFC 3261 §10, RFC 5626).
///
/// Calls go down the flow. The contact is only written into the request line for the phone to
/// recognise; its host is never dialled.
package struct Binding: Hashable, Sendable {
  /// What makes two registrations the same binding, within one extension.
  package enum Key: Hashable, Comparable, Sendable {
    /// The contact URI without its header parameters; behind it, after a space, where it came from if that is
    /// another address (a NAT): the same private address may well be that of phones in several houses.
    case contact(String)
    /// A phone that says who it is, and which of its flows this is (RFC 5626 §6).
    case instance(String, registration: UInt32)

    /// What no flow has as its number, which is 1 or more (RFC 5626 §4.2).
    static let noRegistration: UInt32 = 0

    var isContact: Bool { if case .contact = self { true } else { false } }

    var instance: String? { if case .instance(let name, _) = self { name } else { nil } }

    /// A flow with a number of its own, or nil.
    var registration: UInt32? {
      if case .instance(_, let number) = self, number != Self.noRegistration { number } else { nil }
    }
  }

  package let `extension`: ExtensionID
  package let key: Key
  package var tenant: TenantID
  package var contact: String
  package var flow: Flow
  /// Route set towards the phone, from Path, topmost first (RFC 3327); kept verbatim.
  package var path: [String]
  /// Call-ID and CSeq of the last REGISTER: an older one may not change the binding.
  package var callID: String
  package var sequence: UInt32
  package var expiresAt: WallTime
  /// Preference in thousandths, 1000 first (RFC 3261 §10.2.1.2).
  package var preference: UInt16
  package var userAgent: String
  package var registeredAt: WallTime
  /// Whose password it was; nil in what older journals have.
  package var device: DeviceID?

  package init(
    extension: ExtensionID, key: Key, tenant: TenantID, contact: String, flow: Flow, path: [String],
    callID: String, sequence: UInt32, expiresAt: WallTime, preference: UInt16, userAgent: String,
    registeredAt: WallTime, device: DeviceID? = nil
  ) {
    (self.extension, self.key, self.tenant) = (`extension`, key, tenant)
    (self.contact, self.flow, self.path) = (contact, flow, path)
    (self.callID, self.sequence, self.expiresAt) = (callID, sequence, expiresAt)
    (self.preference, self.userAgent) = (preference, userAgent)
    (self.registeredAt, self.device) = (registeredAt, device)
  }
}

extension Binding {
  /// Whether it is the same phone under another key: with its instance once and without it once, with numbered flows
  /// once and without them once (RFC 5626 §6), or behind another address of a NAT.
  ///
  /// The same contact is the same phone's where it comes from the same address or with the same Call-ID.
  /// Several instances, several flows of one, and phones in several houses may well have the same private address as
  /// their contact.
  func isTwin(of key: Key, contact: String, callID: String, from source: IPAddress) -> Bool {
    switch (self.key, key) {
    case (.instance(let mine, let flow), .instance(let other, let number)):
      mine == other && (flow == Key.noRegistration) != (number == Key.noRegistration)
    case (.contact, _), (.instance, .contact):
      self.key != key && self.contact == contact
        && (self.callID == callID || flow.remote.address == source)
    }
  }
}

/// A change of the registrations, as the journal keeps it.
package enum BindingChange: Hashable, Sendable {
  /// The binding is as given. Its expiry is the one to restore after a restart, later than the
  /// phone's own, so that refreshes need not be written each time (``BindingTable/slack(for:)``).
  case put(Binding)
  case removed(ExtensionID, Binding.Key)
}
