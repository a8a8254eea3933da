import Agent
import CAgent
import EventLoop

EventLoop.run { await Agent.run() }
