"""Policies that plan: a linear program over the hours ahead, solved anew at every slot edge."""
