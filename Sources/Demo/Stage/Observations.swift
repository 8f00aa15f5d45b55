/// What the agents have reported so far.
struct Observations {
  /// What one of them has seen, by the numbers of its calls.
  struct Agent {
    var port: UInt16 = 0
    var isRegistered = false
    var answered: Set<Int> = []
    var refused: [Int: Refusal] = [:]
    var heard: [Int: Set<Int>] = [:]
    var ended: [Int: Ending] = [:]

    var callsUp: Int { answered.subtracting(ended.keys).count }
  }

  struct Refusal: Hashable {
    let status: Int
    let words: String
    let at: Int64
  }

  struct Ending {
    let byPeer: Bool
    let words: String
    let talkMilliseconds: Int64
    let at: Int64
  }

  private var agents: [String: Agent] = [:]
  /// What the server printed.
  private(set) var lines: [String] = []
  private(set) var letters: [(at: Int64, letter: Letter)] = []
  private(set) var bill: CarrierBill?
  /// When each tone was first heard, by listener.
  private(set) var tones: [String: [Int: Int64]] = [:]

  subscript(name: String) -> Agent { agents[name] ?? Agent() }

  mutating func add(line: String) { lines.append(line) }

  /// Takes a report; why the agent failed, if that is what it says.
  mutating func add(_ line: AgentLine, from name: String) -> String? {
    switch line.report {
    case .ready(let port): agents[name, default: Agent()].port = port
    case .registered: agents[name, default: Agent()].isRegistered = true
    case .answered(let call, _, _): agents[name, default: Agent()].answered.insert(call)
    case .refused(let call, let status, let words):
      agents[name, default: Agent()].refused[call] = Refusal(
        status: status, words: words, at: line.at)
    case .heard(let call, let hertz):
      agents[name, default: Agent()].heard[call, default: []].insert(hertz)
      if tones[name]?[hertz] == nil { tones[name, default: [:]][hertz] = line.at }
    case .ended(let call, let byPeer, let words, let talk):
      agents[name, default: Agent()].ended[call] = Ending(
        byPeer: byPeer, words: words, talkMilliseconds: talk, at: line.at)
    case .bill(let bill): self.bill = bill
    case .mail(let letter): letters.append((line.at, letter))
    case .failed(let words): return words
    }
    return nil
  }
}
