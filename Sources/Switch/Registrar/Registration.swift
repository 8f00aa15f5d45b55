import Directory
import Elements
import SIP
import SIPSyntax

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

  let tenant: TenantID
  let `extension`: ExtensionID
  let wish: Wish
  /// The Expires header field.
  let expires: UInt32?
  let flow: Flow
  let path: [String]
  let callID: String
  let sequence: UInt32
  let userAgent: String
  let device: DeviceID
}

extension Registration {
  /// Reads a REGISTER for an extension.
  init(
    of line: Extension, by device: DeviceID, in message: Message, on flow: Flow,
    _ limits: RegistrarLimits
  ) throws(RegistrarError) {
    let paths = message.values(.path)
    guard paths.count <= limits.pathValues else { throw .malformed("Path Too Long") }
    (tenant, `extension`, self.flow) = (line.tenant.id, line.id, flow)
    self.device = device
    expires = message.expires
    wish = try Wish(message, expires: expires, limits)
    path = paths.map { message.text($0) }
    (callID, sequence) = (message.text(message.callID), message.cseq.number)
    let agent = message.text(.userAgent) ?? ""
    userAgent = agent.utf8.count <= 128 ? agent : String(agent.prefix(128))
  }
}

extension Registration {
  /// Whether a binding is another phone's that has the same contact as this one.
  func isOthers(_ binding: Binding) -> Bool {
    guard case .update(let contacts) = wish else { return false }
    return contacts.contains { $0.uri == binding.contact && $0.key(in: self) != binding.key }
  }
}

extension Registration.Wish {
  fileprivate init(
    _ message: Message, expires: UInt32?, _ limits: RegistrarLimits
  ) throws(RegistrarError) {
    if let plain = message.plainContact {
      self = .update([Registration.Contact(uri: message.text(plain))])
      return
    }
    if let only = message.onlyContact {
      self = .update([try Registration.Contact(only)])
      return
    }
    guard let contacts = try? message.contacts() else { throw .malformed("Bad Contact") }
    switch contacts {
    case .all:
      guard message.lines(.contact).count == 1, expires == 0 else {
        throw .malformed("Wildcard Needs Expires 0")
      }
      self = .removeAll
    case .contacts(let list):
      let limit = limits.contactsPerExtension
      guard list.count <= limit else { throw .tooManyContacts(limit: limit) }
      var found: [Registration.Contact] = []
      for address in list { found.append(try Registration.Contact(address)) }
      self = found.isEmpty ? .query : .update(found)
    }
  }
}

extension Registration.Contact {
  fileprivate init(_ address: NameAddress) throws(RegistrarError) {
    guard address.uri.isSIP else { throw .malformed("Contact Is No SIP URI") }
    uri = String(decoding: address.uri.asRequestURI.bytes, as: UTF8.self)
    if address.parameters.isEmpty { return }
    expires = address.expires
    preference = address.preference ?? 1000
    instance = address.instance.map { String(decoding: $0.prefix(256), as: UTF8.self) }
    registration = address.registrationID.flatMap { $0 == Binding.Key.noRegistration ? nil : $0 }
  }
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
      let line = place(for: request.extension)
      for contact in contacts {
        _ = try grant(contact, of: request, limits: limits)
        if let last = lastRequest(of: contact.key(in: request), in: line) {
          try check(last, against: request)
        }
      }
      try checkRoom(for: contacts, in: line, of: request, limits: limits, at: now)
      var changes: [BindingChange] = []
      for contact in contacts {
        for twin in twins(of: contact, in: request, line: line) {
          if let change = remove(request.extension, twin) { changes.append(change) }
        }
        let seconds = try grant(contact, of: request, limits: limits)
        let change =
          seconds == 0
          ? remove(request.extension, contact.key(in: request))
          : put(
            contact.binding(of: request, seconds: seconds, at: now.wall), in: line,
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
    for contacts: [Registration.Contact], in line: Int, of request: Registration,
    limits: RegistrarLimits, at now: Now
  ) throws(RegistrarError) {
    // Most have room for all they ask for, whatever they have already.
    guard knownCount(in: line) + contacts.count > limits.contactsPerExtension else { return }
    var keys = Set(bindings(of: request.extension, at: now.wall).map(\.key))
    for contact in contacts {
      keys.subtract(twins(of: contact, in: request, line: line))
      let key = contact.key(in: request)
      let seconds = try grant(contact, of: request, limits: limits)
      if seconds == 0 { keys.remove(key) } else { keys.insert(key) }
    }
    guard keys.count <= limits.contactsPerExtension else {
      throw .tooManyContacts(limit: limits.contactsPerExtension)
    }
  }
}

extension Registration.Contact {
  /// By instance, and flow number if there is one, where the phone says who it is, else by the URI (RFC 5626 §6), and
  /// by where it came from where that is another address.
  ///
  /// A phone that gives its instance alone is one binding, too: started anew it has another port, and would be as
  /// many phones as it was started times.
  func key(in request: Registration) -> Binding.Key {
    if let instance {
      return .instance(instance, registration: registration ?? Binding.Key.noRegistration)
    }
    let source = request.flow.remote.address
    // Behind a proxy its address says nothing of the phone.
    guard request.path.isEmpty, case .address(let named)? = (try? URI(uri))?.host, named != source
    else { return .contact(uri) }
    return .contact("\(uri) \(source)")
  }

  fileprivate func binding(of request: Registration, seconds: UInt32, at wall: WallTime) -> Binding
  {
    Binding(
      extension: request.extension, key: key(in: request), tenant: request.tenant, contact: uri,
      flow: request.flow, path: request.path, callID: request.callID, sequence: request.sequence,
      expiresAt: wall + .seconds(Int64(seconds)), preference: preference,
      userAgent: request.userAgent, registeredAt: wall, device: request.device)
  }
}
