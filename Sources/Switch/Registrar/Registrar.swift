import Directory
import Elements
import SIP
import SIPSyntax

// REGISTER: from the message to the bindings and back (RFC 3261 §10.3, RFC 5626 §6, RFC 3327).

extension SwitchCore {
  mutating func register(
    _ server: ServerTransactionID, _ message: Message, _ flow: Flow, at now: Now
  ) {
    status.registerRequests += 1
    switch authenticate(message, flow, at: now) {
    case .unknown(let stranger): challenge(server, message, flow, stranger, at: now)
    case .refused: refuse(server, 403, at: now)
    case .device(let device): register(device, server, message, flow, at: now)
    }
  }

  private mutating func register(
    _ device: Device, _ server: ServerTransactionID, _ message: Message, _ flow: Flow, at now: Now
  ) {
    guard let line = addressOfRecord(in: message, of: device, on: flow) else {
      // Another user's address, or one of nobody: the same answer (A28).
      return refuse(server, 403, at: now)
    }
    do throws(RegistrarError) {
      let request = try registration(of: line, in: message, on: flow)
      // Only calls want to know where a phone was before.
      let before = calls.isEmpty ? [] : bindings.bindings(of: line.id, at: now.wall)
      let known = bindings.count
      let changes = try bindings.register(request, limits: configuration.registrar, at: now)
      write(changes)
      if !changes.isEmpty { followPhone(line.id, changes, before: before) }
      if bindings.count != known, logs(.info) {
        log(
          .info, "registration changed", tenant: line.tenant.id,
          Alert.Fact("extension", "\(line.digits)"), Alert.Fact("from", "\(flow.remote)"),
          Alert.Fact("transport", "\(flow.transport.viaToken)"))
      }
      accept(request, line, server, message, at: now)
    } catch {
      var draft = ResponseDraft(StatusCode(exactly: Int(error.status)) ?? 400)
      draft.reasonPhrase = error.phrase
      if case .intervalTooBrief(let minimum) = error {
        draft.headers.append(HeaderDraft(.minExpires, "\(minimum)"))
      }
      sip.respondStatelessly(to: server, draft, at: now, effects: &output.wire)
    }
  }

  /// The extension that To names, if it is one of the device's and From does not say otherwise.
  private func addressOfRecord(
    in message: Message, of device: Device, on flow: Flow
  ) -> Extension? {
    guard isDomain(message.toHost, in: message, of: device.tenant, on: flow),
      let user = message.toUser
    else { return nil }
    if let line = rules.directory.line(device.tenant, user: user.span) {
      return device.extensions.contains(line.id) ? line : nil
    }
    guard user == device.username else { return nil }
    return device.extensions.first.flatMap { rules.directory.line($0) }
  }

  private func registration(
    of line: Extension, in message: Message, on flow: Flow
  ) throws(RegistrarError) -> Registration {
    var request = Registration(
      tenant: line.tenant.id, extension: line.id, wish: .query, expires: message.expires,
      flow: flow, callID: message.text(message.callID), sequence: message.cseq.number)
    if let agent = message.text(.userAgent) {
      request.userAgent = agent.utf8.count <= 128 ? agent : String(agent.prefix(128))
    }
    let paths = message.values(.path)
    guard paths.count <= configuration.registrar.pathValues else {
      throw .malformed("Path Too Long")
    }
    request.path = paths.map { message.text($0) }
    guard let contacts = try? message.contacts() else { throw .malformed("Bad Contact") }
    switch contacts {
    case .all:
      guard message.lines(.contact).count == 1, request.expires == 0 else {
        throw .malformed("Wildcard Needs Expires 0")
      }
      request.wish = .removeAll
    case .contacts(let list):
      if list.isEmpty { return request }
      let limit = configuration.registrar.contactsPerExtension
      guard list.count <= limit else { throw .tooManyContacts(limit: limit) }
      var found: [Registration.Contact] = []
      for address in list { found.append(try contact(address)) }
      request.wish = .update(found)
    }
    return request
  }

  private func contact(_ address: NameAddress) throws(RegistrarError) -> Registration.Contact {
    guard address.uri.isSIP else { throw .malformed("Contact Is No SIP URI") }
    let uri = address.uri.asRequestURI
    var contact = Registration.Contact(uri: String(decoding: uri.bytes, as: UTF8.self))
    if address.parameters.isEmpty { return contact }
    contact.expires = address.expires
    contact.preference = address.preference ?? 1000
    contact.instance = address.instance.map { String(decoding: $0.prefix(256), as: UTF8.self) }
    contact.registration = address.registrationID
    return contact
  }

  /// A phone has a new flow: its running calls go there, too (a NAT that forgot, a new connection).
  private mutating func followPhone(
    _ line: ExtensionID, _ changes: [BindingChange], before: [Binding]
  ) {
    for case .put(let binding) in changes {
      let same = before.first { $0.key == binding.key }
      let twin = before.first {
        $0.contact == binding.contact && $0.key.isContact != binding.key.isContact
      }
      let old = (same ?? twin)?.flow
      guard old != binding.flow else { continue }
      for id in calls.keys.sorted() {
        guard let legs = calls[id]?.value.legs else { continue }
        for leg in legs.indices.map({ legs[$0] })
        where leg.party == .phone(line) && !leg.isOver {
          let isCutOff =
            leg.isCutOff && leg.flow?.remote.address == binding.flow.remote.address
          guard let dialog = leg.dialog, isCutOff || (old != nil && leg.flow == old) else {
            continue
          }
          sip.move(dialog, to: binding.flow)
          calls[id]?.value.legs[leg.index].flow = binding.flow
          calls[id]?.value.legs[leg.index].isCutOff = false
        }
      }
    }
  }

  /// A connection is gone: the calls of a phone wait for it to come back, a carrier is connected to anew.
  mutating func connectionClosed(_ connection: FlowID) {
    write(bindings.closed(connection))
    for id in calls.keys.sorted() {
      guard let legs = calls[id]?.value.legs else { continue }
      for leg in legs.indices.map({ legs[$0] }) {
        if let trunk = leg.party.trunk {
          guard let dialog = leg.dialog,
            sip.dialog(dialog)?.destination.connection == connection
          else { continue }
          TrunkGate.reconnect(dialog, hops: trunks[trunk]?.hops ?? [], using: &sip)
        } else if leg.flow?.connection == connection {
          calls[id]?.value.legs[leg.index].isCutOff = true
        }
      }
    }
  }

  /// 200 with every binding of the extension, and how long each has left.
  private mutating func accept(
    _ request: Registration, _ line: Extension, _ server: ServerTransactionID, _ message: Message,
    at now: Now
  ) {
    var draft = ResponseDraft(200)
    draft.contact = .none
    draft.headers.reserveCapacity(4)
    bindings.visit(line.id, at: now.wall) { binding in
      let left = max(1, (binding.expiresAt - now.wall).wholeMilliseconds / 1000)
      var value: [UInt8] = []
      value.reserveCapacity(binding.contact.utf8.count + 40)
      value.append(UInt8(ascii: "<"))
      value.append(contentsOf: binding.contact.utf8)
      value.append(text: ">;expires=")
      value.append(decimal: UInt64(left))
      if case .instance(let instance, let number) = binding.key {
        value.append(contentsOf: ";+sip.instance=\"\(instance)\";reg-id=\(number)".utf8)
      }
      draft.headers.append(HeaderDraft(.contact, value))
    }
    draft.headers.append(HeaderDraft(.date, date.value(at: now.wall)))
    for hop in request.path { draft.headers.append(HeaderDraft(.path, hop)) }
    if case .update(let contacts) = request.wish,
      contacts.contains(where: { $0.registration != nil }),
      message.supported.contains("outbound")
    {
      draft.headers.append(HeaderDraft(.require, "outbound"))
      draft.headers.append(HeaderDraft(.supported, "path, outbound"))
    }
    // Nothing is kept for copies (RFC 3261 §8.2.7): half a minute of every phone's refreshes is memory
    // that is never warm. A copy has used its nonce up and is challenged anew, and its phone asks again.
    sip.respondStatelessly(to: server, draft, at: now, effects: &output.wire)
  }
}
