import Elements
import Relay
import SIP
import Switch

/// Everything that can be on the agenda of a world.
///
/// What belongs to a process carries its number: a process that died hears nothing any more.
enum Event {
  case toSwitch([UInt8], from: Endpoint, peer: Int)
  case toAgent(Int, [UInt8])
  /// The bytes waited in a slow phone.
  case looked(Int, [UInt8])
  case agentDeadline(Int)
  case switchDeadline(process: Int)
  case relayDeadline(process: Int)
  case relay(RelayEvent, process: Int)
  case resolved(ResolutionID, [NextHop], process: Int)
  case flushed(process: Int)
  case act(Int, Act)
  case crash
  case start
  case adopt(process: Int)
  case checkpoint
  case fault(Fault)
  case hand(Hand)
  case heal
  case prove
}

/// Something that goes wrong in the world around the switch.
enum Fault {
  case disk(Duration)
  case cut(link: Int, Duration)
  case clock(Duration)
}

/// What an operator does.
enum Hand: CaseIterable {
  case limits, unblock, hangUp, status
}
