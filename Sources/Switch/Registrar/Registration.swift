import Elements
import SIP

/// What one REGISTER asks for, read from the message and not yet granted.
struct Registration: Sendable {
  /// One Contact value.
  struct Contact: Hashable, Sendable {
    /// The URI without header parameters.
    var uri: String
    var instance: String?
    var registration: UInt32?
    /// The `expires` parameter; nil without one.
    var expires: UInt32?
    var preference: UInt16 = 1000
  }

  enum Wish: Hashable, Sendable {
    /// No Contact: tell what there is (RFC 3261 §10.2.3).
    case query
    /// `Contact: *` with `Expires: 0` (§10.2.2).
    case removeAll
    case update([Contact])
  }

  var tenant: TenantID
  var `extension`: ExtensionID
  var wish: Wish
  /// The Expires header field.
  var expires: UInt32?
  var flow: Flow
  var path: [String] = []
  var callID: String
  var sequence: UInt32
  var userAgent = ""
}

/// Why a REGISTER is refused.
enum RegistrarError: Error, Hashable {
  /// 423 with Min-Expires.
  case intervalTooBrief(minimumSeconds: UInt32)
  case tooManyContacts(limit: Int)
  /// An older request came after a newer one (RFC 3261 §10.3 step 7).
  case outOfOrder
  case malformed(String)

  var status: UInt16 {
    switch self {
    case .intervalTooBrief: 423
    case .tooManyContacts: 403
    case .outOfOrder, .malformed: 400
    }
  }

  var phrase: String {
    switch self {
    case .intervalTooBrief: "Interval Too Brief"
    case .tooManyContacts: "Too Many Contacts"
    case .outOfOrder: "CSeq Out of Order"
    case .malformed(let what): what
    }
  }
}

extension BindingTable {
  /// Grants or refuses the whole request: all contacts or none (RFC 3261 §10.3).
  ///
  /// - Returns: What to write.
  mutating func register(
    _ request: Registration, limits: RegistrarLimits, at now: Now
  ) throws(RegistrarError) -> [BindingChange] {
    switch request.wish {
    case .query:
      return []
    case .removeAll:
      let all = bindings(of: request.extension, at: now.wall)
      for binding in all { try check((binding.callID, binding.sequence), against: request) }
      return all.compactMap { remove($0.extension, $0.key) }
    case .update(let contacts):
      var granted: [UInt32] = []
      for contact in contacts {
        granted.append(try grant(contact, of: request, limits: limits))
        if let last = lastRequest(of: request.extension, key: contact.key) {
          try check(last, against: request)
        }
      }
      try checkRoom(for: contacts, granted, of: request, limits: limits, at: now)
      var changes: [BindingChange] = []
      for (contact, seconds) in zip(contacts, granted) {
        for twin in twins(of: contact.key, uri: contact.uri, for: request.extension) {
          if let change = remove(request.extension, twin) { changes.append(change) }
        }
        let change =
          seconds == 0
          ? remove(request.extension, contact.key)
          : put(
            contact.binding(of: request, seconds: seconds, at: now.wall),
            granted: .seconds(Int64(seconds)), at: now)
        if let change { changes.append(change) }
      }
      return changes
    }
  }

  private func grant(
    _ contact: Registration.Contact, of request: Registration, limits: RegistrarLimits
  ) throws(RegistrarError) -> UInt32 {
    guard contact.uri.utf8.count <= limits.contactBytes else {
      throw .malformed("Contact Too Long")
    }
    let wished = contact.expires ?? request.expires ?? limits.defaultSeconds
    guard wished == 0 || wished >= limits.minimumSeconds else {
      throw .intervalTooBrief(minimumSeconds: limits.minimumSeconds)
    }
    return min(wished, limits.maximumSeconds)
  }

  private func check(
    _ last: (callID: String, sequence: UInt32), against request: Registration
  ) throws(RegistrarError) {
    guard last.callID != request.callID || last.sequence < request.sequence else {
      throw .outOfOrder
    }
  }

  private func checkRoom(
    for contacts: [Registration.Contact], _ granted: [UInt32], of request: Registration,
    limits: RegistrarLimits, at now: Now
  ) throws(RegistrarError) {
    // Most have room for all they ask for, whatever they have already.
    guard knownCount(of: request.extension) + contacts.count > limits.contactsPerExtension else {
      return
    }
    var keys = Set(bindings(of: request.extension, at: now.wall).map(\.key))
    for (contact, seconds) in zip(contacts, granted) {
      keys.subtract(twins(of: contact.key, uri: contact.uri, for: request.extension))
      if seconds == 0 { keys.remove(contact.key) } else { keys.insert(contact.key) }
    }
    guard keys.count <= limits.contactsPerExtension else {
      throw .tooManyContacts(limit: limits.contactsPerExtension)
    }
  }
}

extension Registration.Contact {
  /// By instance and flow number where the phone gives both, else by the URI (RFC 5626 §6).
  var key: Binding.Key {
    if let instance, let registration {
      .instance(instance, registration: registration)
    } else {
      .contact(uri)
    }
  }

  fileprivate func binding(of request: Registration, seconds: UInt32, at wall: WallTime) -> Binding
  {
    Binding(
      extension: request.extension, key: key, tenant: request.tenant, contact: uri,
      flow: request.flow, path: request.path, callID: request.callID, sequence: request.sequence,
      expiresAt: wall + .seconds(Int64(seconds)), preference: preference,
      userAgent: request.userAgent, registeredAt: wall)
  }
}
