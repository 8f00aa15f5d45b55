import Elements
import RTP

extension RelayCore {
  mutating func play(
    _ id: MediaSessionID, leg number: Int, _ tone: Tone, at now: Instant,
    into effects: inout [RelayEffect]
  ) {
    guard let row = rows[id] else { return }
    stopPlaying(id, leg: number, at: now, into: &effects)
    guard tone.duration > .zero, let leg = sessions[row].legIndex(number),
      let target = target(of: sessions[row].legs[leg])
    else {
      effects.append(.tell(.played(id, leg: number, completed: false)))
      return
    }
    sessions[row].players.append(
      TonePlayer(
        tone, leg: number, stream: target.stream, format: target.format, at: now, using: &dice))
    streams[target.stream].isPlaying = true
    playOn(row, at: now, into: &effects)
    schedule(row)
  }

  mutating func stopPlaying(
    _ id: MediaSessionID, leg number: Int, at now: Instant, into effects: inout [RelayEffect]
  ) {
    guard let row = rows[id],
      let index = sessions[row].players.firstIndex(where: { $0.leg == number })
    else { return }
    let player = sessions[row].players.remove(at: index)
    streams[player.stream].isPlaying = false
    effects.append(.tell(.played(id, leg: number, completed: false)))
  }

  /// The first audio stream with a G.711 format: what every leg that can hear a tone of ours has.
  ///
  /// A phone that has keys of its own with its peer would throw our tone away.
  private func target(of leg: MediaSession.Leg) -> (stream: Int, format: PayloadFormat)? {
    for row in leg.streams.compactMap({ $0 })
    where streams[row].kind == .audio && !streams[row].isEndToEnd {
      let format = streams[row].formats.first {
        ($0.encoding == .pcma || $0.encoding == .pcmu) && $0.clockRate == 8000
      }
      if let format { return (row, format) }
    }
    return nil
  }

  /// Sends the frames that are due, and ends the tones that are over.
  mutating func playOn(_ row: Int, at now: Instant, into effects: inout [RelayEffect]) {
    guard !sessions[row].players.isEmpty else { return }
    var players = sessions[row].players
    for index in players.indices {
      players[index].skip(to: now)
      while !players[index].isOver, players[index].nextFrameAt <= now {
        transmit(players[index].nextFrame(), into: players[index].stream, effects: &effects)
      }
    }
    for player in players where player.isOver {
      streams[player.stream].isPlaying = false
      effects.append(.tell(.played(sessions[row].id, leg: player.leg, completed: true)))
    }
    players.removeAll(where: \.isOver)
    sessions[row].players = players
  }

  private mutating func transmit(
    _ packet: [UInt8], into stream: Int, effects: inout [RelayEffect]
  ) {
    // A fax may have taken the place of the voice meanwhile.
    guard streams[stream].kind == .audio, let destination = streams[stream].latch.destination
    else { return }
    var bytes = packet + [UInt8](repeating: 0, count: MediaStream.trailerRoom)
    var span = bytes.mutableSpan
    var raw = unsafe span.mutableBytes
    guard let length = streams[stream].protect(&raw, length: packet.count) else { return }
    bytes.removeLast(bytes.count - length)
    streams[stream].counters.sent &+= 1
    effects.append(.transmit(streams[stream].rtp, to: destination, bytes))
  }
}
