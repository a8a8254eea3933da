import Agent
import CAgent
import Container
import EventLoop

if CommandLine.arguments.first == ContainerInit.programName { ContainerInit.run() }
EventLoop.run { await Agent.run() }
