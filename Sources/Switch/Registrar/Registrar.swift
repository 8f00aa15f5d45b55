import Directory
import Elements
import SIP
import SIPSyntax

// REGISTER: from the message to the bindings and back (RFC 3261 §10.3, RFC 5626 §6, RFC 3327).

extension SwitchCore {
  mutating func register(_ request: StatelessRequest, at now: Now) {
    guard !rules.directory.tenants.isEmpty else {
      return sip.respond(to: request, Self.tooEarly, effects: &output.wire)
    }
    status.registerRequests += 1
    switch authenticate(request.message, request.flow, at: now) {
    case .unknown(let stranger): challenge(request, stranger, at: now)
    case .refused: sip.respond(to: request, ResponseDraft(403), effects: &output.wire)
    case .device(let device): register(device, request, at: now)
    }
  }

  private mutating func register(_ device: Device, _ request: StatelessRequest, at now: Now) {
    let (message, flow) = (request.message, request.flow)
    guard
      rules.directory.isDomain(message.toHost, in: message, of: device.tenant)
        || isOnlyDomain(message.toHost, in: message, on: flow),
      let line = rules.directory.line(of: device, registeredIn: message)
    else {
      // Another user's address, or one of nobody: the same answer (A28).
      return sip.respond(to: request, ResponseDraft(403), effects: &output.wire)
    }
    let refresh = Refresh(
      device: device, line: line, message: message, flow: flow, limits: configuration.registrar)
    if let changes = refresh.grant(in: &bindings, at: now) {
      write(changes)
      return accept(nil, of: line, request, at: now)
    }
    do throws(RegistrarError) {
      let wanted = try Registration(
        of: line, by: device.id, in: message, on: flow, configuration.registrar)
      // Only calls want to know where a phone was before.
      let before = calls.isEmpty ? [] : bindings.bindings(of: line.id, at: now.wall)
      let known = bindings.count
      let changes = try bindings.register(wanted, limits: configuration.registrar, at: now)
      write(changes)
      if !changes.isEmpty { followPhone(line.id, changes, before: before) }
      if bindings.count != known, logs(.info) {
        log(
          .info, "registration changed", tenant: line.tenant.id,
          Alert.Fact("extension", "\(line.digits)"), Alert.Fact("from", "\(flow.remote)"),
          Alert.Fact("transport", "\(flow.transport.viaToken)"))
      }
      accept(wanted, of: line, request, at: now)
    } catch {
      var draft = ResponseDraft(StatusCode(exactly: Int(error.status)) ?? 400)
      draft.reasonPhrase = error.phrase
      if case .intervalTooBrief(let minimum) = error {
        draft.headers.append(HeaderDraft(.minExpires, "\(minimum)"))
      }
      sip.respond(to: request, draft, effects: &output.wire)
    }
  }

  /// A phone has a new flow: its running calls go there, too (a NAT that forgot, a new connection).
  private mutating func followPhone(
    _ line: ExtensionID, _ changes: [BindingChange], before: [Binding]
  ) {
    for case .put(let binding) in changes {
      let same = before.first { $0.key == binding.key }
      let twin = before.first {
        $0.isTwin(
          of: binding.key, contact: binding.contact, callID: binding.callID,
          from: binding.flow.remote.address)
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
          _ = calls[id]?.value.legs[leg.index].follow(binding.flow)
          // Its NAT may have given its media another port, too, also at the same address.
          if let call = calls[id]?.value { updateMedia(call, leg: leg.index) }
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

  /// 200 with every binding of the extension but those of other phones at the same private address, and how long each
  /// has left; nil for a refresh, which wants no more.
  private mutating func accept(
    _ wanted: Registration?, of line: Extension, _ request: StatelessRequest, at now: Now
  ) {
    var answer = sip.beginAnswer(to: request, 200)
    bindings.visit(line.id, at: now.wall) {
      // A phone would take the first that has its contact for its own.
      if wanted?.isOthers($0) != true { $0.serialize(into: &answer, at: now.wall) }
    }
    answer.add(.date, date.value(at: now.wall))
    for hop in wanted?.path ?? [] { answer.add(.path, hop) }
    if case .update(let contacts) = wanted?.wish,
      contacts.contains(where: { $0.registration != nil }),
      request.message.supported.contains("outbound")
    {
      answer.add(.require, "outbound")
      answer.add(.supported, "path, outbound")
    }
    sip.send(answer, to: request, effects: &output.wire)
  }
}

extension Binding {
  /// The Contact of a 200: where, how long yet, and whose (RFC 3261 §10.3, RFC 5626 §6).
  fileprivate func serialize(into answer: inout MessageBuilder, at wall: WallTime) {
    let left = UInt64(max(1, (expiresAt.unixMilliseconds - wall.unixMilliseconds) / 1000))
    var rest = ""
    if preference != 1000 { rest = ";q=0.\(String(1000 + preference).dropFirst())" }
    if let instance = key.instance { rest += ";+sip.instance=\"\(instance)\"" }
    if let number = key.registration { rest += ";reg-id=\(number)" }
    answer.add(.contact, room: contact.utf8.count + rest.utf8.count + 40) { value in
      value.append(UInt8(ascii: "<"))
      value.append(copying: contact.utf8Span.span)
      value.append(text: ">;expires=")
      value.append(decimal: left)
      value.append(copying: rest.utf8Span.span)
    }
  }
}
